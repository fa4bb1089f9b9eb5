/** A domain is also a project that acts as one (Identity API, "Projects", `is_domain`). */
import { invalid, notFound } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { createDomain } from "../domains/create-domain.ts";
import type { Domain } from "../domains/domain.model.ts";
import { readDomain, readDomains } from "../domains/read-domains.ts";
import { deleteDomain, updateDomain } from "../domains/update-domain.ts";
import { refused } from "../shared/authority.ts";
import { extraOf } from "../shared/extra.ts";
import { selfLink } from "../shared/identity-links.ts";
import type { ProjectChange } from "./project.model.ts";
import { findProject } from "./project.queries.ts";
import { projectMembers } from "./project.schema.ts";

type Asking = Pick<ApiRequest, "app" | "actor" | "plane" | "origin">;

export const toDomainProjectView = (domain: Domain, baseUrl: string) => ({
  ...domain.extra,
  id: domain.id,
  name: domain.name,
  description: domain.description,
  enabled: domain.enabled,
  domain_id: null,
  parent_id: null,
  is_domain: true,
  tags: domain.tags,
  options: domain.immutable ? { immutable: true } : {},
  ...selfLink(baseUrl, `projects/${domain.id}`),
});

/** Is it a domain's id, and no project's? */
export const namesDomain = async (request: ApiRequest, id: string): Promise<boolean> =>
  (await findProject(request.app.db, id)) === null && (await readDomain(request, id).catch(() => null)) !== null;

export const readDomainProject = (request: ApiRequest, id: string): Promise<Domain> =>
  readDomain(request, id).catch((cause: unknown) => {
    throw notFound(`Could not find project: ${id}.`, { cause });
  });

export const readDomainProjects = (request: ApiRequest): Promise<{ rows: Domain[]; next: string | null }> =>
  readDomains(request);

function assertOperator({ actor, plane }: Asking, rule: string): void {
  if (!isAdmin(actor, plane)) throw refused(rule);
}

export function createDomainProject(request: Asking, given: ProjectChange & { name: string }): Promise<Domain> {
  assertOperator(request, "create_project");
  if (typeof given.domain_id === "string" || typeof given.parent_id === "string")
    throw invalid("only root projects are allowed to act as domains.", { field: "project.is_domain" });
  return createDomain(request.app, request.origin, toDomainChange(given), extraOf(given, projectMembers));
}

export function updateDomainProject(request: Asking, id: string, change: ProjectChange): Promise<Domain> {
  assertOperator(request, "update_project");
  if (change.is_domain === false)
    throw invalid("Update of `is_domain` is not allowed.", { field: "project.is_domain" });
  if (typeof change.domain_id === "string" || typeof change.parent_id === "string")
    throw invalid("Update of `parent_id` is not allowed.", { field: "project.parent_id" });
  return updateDomain(request.app, request.origin, id, toDomainChange(change), extraOf(change, projectMembers));
}

export function deleteDomainProject(request: Asking, id: string): Promise<void> {
  assertOperator(request, "delete_project");
  return deleteDomain(request.app, request.origin, id);
}

function toDomainChange<Change extends ProjectChange>(
  change: Change,
): Omit<Change, "domain_id" | "parent_id" | "is_domain"> {
  const { domain_id: _domain, parent_id: _parent, is_domain: _is, ...rest } = change;
  return rest;
}
