import { invalid, notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { getVisibleImage, isOwner } from "../images/image-access.ts";
import type { ImageTask } from "./task.model.ts";
import { findTask, listTasks, listTasksOfImage } from "./task.queries.ts";

/** What was done with an image is its owner's business. */
export async function readTasksOfImage(request: ApiRequest, imageId: string): Promise<ImageTask[]> {
  const image = await getVisibleImage(request.app.db, request, imageId);
  return isOwner(request, image) ? listTasksOfImage(request.app.db, imageId) : [];
}

export async function readTask(request: ApiRequest, id: string): Promise<ImageTask> {
  const task = await findTask(request.app.db, id);
  if (task === null) throw notFound(`Task not found for task_id ${id}`);
  return task;
}

export async function readTasks(
  request: ApiRequest,
  page: { limit: number; marker: string | undefined },
): Promise<ImageTask[]> {
  const marker = page.marker === undefined ? null : await findTask(request.app.db, page.marker);
  if (page.marker !== undefined && marker === null)
    throw invalid(`Marker ${page.marker} could not be found.`, { field: "marker" });
  return listTasks(request.app.db, { limit: page.limit, marker, status: request.query.get("status") });
}
