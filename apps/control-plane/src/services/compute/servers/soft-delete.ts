/** Servers that an operator's configuration keeps for a while after they were deleted. */
import type { ApiRequest } from "../../../http/service.ts";
import { type Held, beginTask, withServer } from "./begin-task.ts";
import type { Server } from "./server.model.ts";
import { softDeletedStaysMs } from "./stays.ts";

/** Is this server to stay for a while? One that never ran, or that is on no host, is not worth keeping. */
export const staysWhenDeleted = ({ app }: Pick<ApiRequest, "app">, server: Server): boolean =>
  softDeletedStaysMs(app.config) !== undefined &&
  server.host !== null &&
  server.observedLaunchedAt !== null &&
  server.mode === "ordinary" &&
  server.task === null;

/** Off, and out of sight, until its time is over. */
export const beginSoftDelete = (request: ApiRequest, held: Held): Promise<void> =>
  beginTask(request, held, { task: "soft-deleting", step: "stop", action: "delete" });

export async function restoreServer(request: ApiRequest, id: string): Promise<void> {
  // its quota was never given back
  await withServer(request, id, { word: "restore", vmStates: ["soft-delete"] }, (held) =>
    beginTask(request, held, { task: "restoring", step: "apply", action: "restore", change: { power: "running" } }),
  );
}
