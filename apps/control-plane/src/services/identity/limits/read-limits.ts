import { notFound } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { Limit, RegisteredLimit } from "./limit.model.ts";
import {
  type LimitFilter,
  type LimitScope,
  findLimit,
  findRegisteredLimit,
  listLimits,
  listRegisteredLimits,
} from "./limit.queries.ts";
import { findProject } from "../projects/project.queries.ts";

const filterOf = ({ query }: Pick<ApiRequest, "query">): LimitFilter => ({
  serviceId: query.get("service_id"),
  regionId: query.get("region_id"),
  resourceName: query.get("resource_name"),
});

export const readRegisteredLimits = (request: ApiRequest): Promise<RegisteredLimit[]> =>
  listRegisteredLimits(request.app.db, filterOf(request));

export async function readRegisteredLimit(request: ApiRequest, id: string): Promise<RegisteredLimit> {
  const limit = await findRegisteredLimit(request.app.db, id);
  if (limit === null) throw notFound(`Could not find registered limit for ${id}.`);
  return limit;
}

/** Operators see all; a token for a domain that domain's and its projects'; a token for a project the project's. */
function scopeOf({ actor, plane }: Pick<ApiRequest, "actor" | "plane">): LimitScope {
  if (isAdmin(actor, plane)) return "all";
  return actor.domainId === null ? { projectId: actor.projectId ?? "" } : { domainId: actor.domainId };
}

export async function readLimits(request: ApiRequest): Promise<Limit[]> {
  const { app, query } = request;
  const filter = { ...filterOf(request), projectId: query.get("project_id"), domainId: query.get("domain_id") };
  return listLimits(app.db, filter, scopeOf(request));
}

export async function readLimit(request: ApiRequest, id: string): Promise<Limit> {
  const limit = await findLimit(request.app.db, id);
  if (limit === null || !(await isWithin(request, limit))) throw notFound(`Could not find limit for ${id}.`);
  return limit;
}

async function isWithin(request: ApiRequest, limit: Limit): Promise<boolean> {
  const scope = scopeOf(request);
  if (scope === "all") return true;
  if ("projectId" in scope) return limit.projectId === scope.projectId;
  if (limit.projectId === null) return limit.domainId === scope.domainId;
  return (await findProject(request.app.db, limit.projectId))?.domainId === scope.domainId;
}
