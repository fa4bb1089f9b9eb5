import { forbidden, invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, type Route, noContent, ok, route } from "../../../http/service.ts";
import { projectExists } from "../../identity/public.ts";
import { mutate } from "../common/mutate.ts";
import { requesterOf } from "../common/requester.ts";
import { checkRequirements, deleteTopology, ensureTopology, readTopology } from "./auto-allocated-topology.ts";

/** One's own project, which clients also call `None`; an operator names any that exists. */
async function projectOf(request: ApiRequest): Promise<string> {
  const requester = requesterOf(request);
  const named = request.params["project_id"] ?? "";
  const projectId = named === "None" || named === "null" ? requester.projectId : named;
  if (projectId === requester.projectId && projectId !== "-") return projectId;
  if (!requester.admin || !(await projectExists(request.app.db, projectId)))
    throw forbidden("Not authorized.", { type: "NotAuthorized" });
  return projectId;
}

const toView = (id: string, projectId: string) => ({
  auto_allocated_topology: { id, tenant_id: projectId, project_id: projectId },
});

/** Shows it; the first who asks has it made. `fields=dry-run` only says whether it could be. */
async function showTopology(request: ApiRequest): Promise<Reply> {
  const projectId = await projectOf(request);
  const fields = request.query.all("fields");
  if (fields.includes("dry-run")) {
    await checkRequirements(request.app.db);
    return ok(toView("dry-run=pass", projectId));
  }
  const unknown = fields.find((field) => !["id", "tenant_id", "project_id"].includes(field));
  if (unknown !== undefined) throw invalid("Bad auto_allocate request: Unrecognized field.", { type: "BadRequest" });
  const held = await readTopology(request.app.db, projectId);
  const networkId = held?.networkId ?? (await mutate(request, (tx) => ensureTopology(tx, projectId)));
  return ok(toView(networkId, projectId));
}

async function removeTopology(request: ApiRequest): Promise<Reply> {
  const projectId = await projectOf(request);
  await mutate(request, (tx) => deleteTopology(tx, projectId));
  return noContent();
}

const path = "/v2.0/auto-allocated-topology/:project_id";

export const autoAllocatedTopologyRoutes: Route[] = [
  route({ method: "GET", path, rule: "get_auto_allocated_topology", handler: showTopology }),
  route({ method: "DELETE", path, rule: "delete_auto_allocated_topology", handler: removeTopology }),
];
