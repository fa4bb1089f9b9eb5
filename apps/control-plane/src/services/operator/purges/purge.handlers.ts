import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { toPurgeView } from "./purge.view.ts";
import { readPurge, readPurges } from "./read-purges.ts";
import { requestPurge } from "./request-purge.ts";

export async function create(request: ApiRequest<{ project_purge: { project_id: string } }>): Promise<Reply> {
  const purge = await requestPurge(request, request.body.project_purge.project_id);
  return { status: 202, body: { project_purge: toPurgeView(purge) } };
}

export async function list(request: ApiRequest): Promise<Reply> {
  return ok({ project_purges: (await readPurges(request)).map(toPurgeView) });
}

export async function show(request: ApiRequest): Promise<Reply> {
  return ok({ project_purge: toPurgeView(await readPurge(request, request.params["project_id"] ?? "")) });
}
