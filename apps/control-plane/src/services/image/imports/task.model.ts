/** Work on an image that goes on after the answer (Image API v2, "Tasks"). Pure. */
export type ImportInput = { method: "glance-direct" } | { method: "web-download"; uri: string };

export type TaskStatus = "pending" | "processing" | "success" | "failure";

export type ImageTask = {
  id: string;
  imageId: string;
  projectId: string | null;
  userId: string | null;
  requestId: string;
  status: TaskStatus;
  input: ImportInput;
  message: string;
  createdAt: Date;
  updatedAt: Date;
  expiresAt: Date;
};

export const isFinished = (task: Pick<ImageTask, "status">): boolean =>
  task.status === "success" || task.status === "failure";
