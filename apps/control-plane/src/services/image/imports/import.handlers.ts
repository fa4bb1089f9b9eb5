import { nextPageQuery, readPaging } from "../../../http/paging.ts";
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { imageId } from "../images/image.handlers.ts";
import { readTask, readTasks, readTasksOfImage } from "./read-tasks.ts";
import { type ImportBody, startImport } from "./start-import.ts";
import { toTaskStub, toTaskView } from "./task.view.ts";

const MAX_PAGE = 1000;

export async function start(request: ApiRequest<ImportBody>): Promise<Reply> {
  await startImport(request, imageId(request), request.body);
  return { status: 202 };
}

export async function tasksOfImage(request: ApiRequest): Promise<Reply> {
  return ok({ tasks: (await readTasksOfImage(request, imageId(request))).map(toTaskView) });
}

export async function showTask(request: ApiRequest): Promise<Reply> {
  return ok(toTaskView(await readTask(request, request.params["task_id"] ?? "")));
}

export async function listTasks(request: ApiRequest): Promise<Reply> {
  const page = readPaging(request.query, { maxLimit: MAX_PAGE });
  const tasks = page.limit === 0 ? [] : await readTasks(request, page);
  const last = tasks.length === page.limit ? tasks.at(-1) : undefined;
  return ok({
    tasks: tasks.map(toTaskStub),
    first: "/v2/tasks",
    schema: "/v2/schemas/tasks",
    ...(last === undefined ? {} : { next: `/v2/tasks?${nextPageQuery(request.query, last.id)}` }),
  });
}
