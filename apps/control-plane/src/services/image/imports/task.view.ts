import { toTime } from "../images/image.view.ts";
import type { ImageTask, ImportInput } from "./task.model.ts";

const inputView = (input: ImportInput, imageId: string) => ({
  image_id: imageId,
  import_req: {
    method: input.method === "web-download" ? { name: input.method, uri: input.uri } : { name: input.method },
  },
  backend: ["file"],
});

/** As lists of all tasks show one. */
export const toTaskStub = (task: ImageTask) => ({
  id: task.id,
  type: "api_image_import",
  status: task.status,
  owner: task.projectId,
  created_at: toTime(task.createdAt),
  updated_at: toTime(task.updatedAt),
  expires_at: toTime(task.expiresAt),
  self: `/v2/tasks/${task.id}`,
  schema: "/v2/schemas/task",
});

export const toTaskView = (task: ImageTask) => ({
  ...toTaskStub(task),
  input: inputView(task.input, task.imageId),
  result: task.status === "success" ? { image_id: task.imageId } : null,
  message: task.message,
  image_id: task.imageId,
  request_id: task.requestId,
  user_id: task.userId,
});
