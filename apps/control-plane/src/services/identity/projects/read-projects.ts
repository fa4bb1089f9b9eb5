import { notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import {
  type DomainScope,
  domainScopeOf,
  listedDomain,
  requireDomainScope,
  selfOrDomainScope,
} from "../shared/authority.ts";
import { readListFilter, toPage } from "../shared/list-filter.ts";
import { findUserInDomain } from "../users/user.queries.ts";
import type { Project } from "./project.model.ts";
import { findProject, listProjects, listProjectsOfUser } from "./project.queries.ts";

type Page = { rows: Project[]; next: string | null };

/** The project the token is for, and those within the asker's domain authority; any other is not there. */
export async function readProject(request: ApiRequest, id: string): Promise<Project | null> {
  const scope = domainScopeOf(request, "reader");
  const project = await findProject(request.app.db, id);
  const visible = project !== null && (project.id === request.actor.projectId || isWithin(scope, project));
  return visible ? project : null;
}

export async function getProject(request: ApiRequest, id: string): Promise<Project> {
  const project = await readProject(request, id);
  if (project === null) throw notFound(`Could not find project: ${id}.`);
  return project;
}

const isWithin = (scope: DomainScope | undefined, project: Project): boolean =>
  scope === null || (scope !== undefined && scope === project.domainId);

export async function readProjects(request: ApiRequest): Promise<Page> {
  const scope = requireDomainScope(request, "reader", "list_projects");
  const { query } = request;
  const filter = readListFilter(query);
  const listed = listedDomain(scope, query.get("domain_id"));
  if (listed === null) return { rows: [], next: null };
  const rows = await listProjects(request.app.db, {
    ...filter,
    domainId: listed.domainId,
    parentId: query.get("parent_id"),
    tags: words(query.get("tags")),
    tagsAny: words(query.get("tags-any")),
    notTags: words(query.get("not-tags")),
    notTagsAny: words(query.get("not-tags-any")),
  });
  return toPage(rows, filter.limit);
}

const words = (text: string | undefined): string[] | undefined => text?.split(",").filter((word) => word !== "");

/** Those that the asker could get a token for. */
export async function readOwnProjects(request: ApiRequest): Promise<Page> {
  const filter = { ...readListFilter(request.query), enabled: true };
  return toPage(await listProjectsOfUser(request.app.db, request.actor.userId, filter), filter.limit);
}

/** A user's projects, for themselves or those with authority over their domain. */
export async function readProjectsOfUser(request: ApiRequest, userId: string): Promise<Page> {
  const scope = selfOrDomainScope(request, userId, "reader", "list_user_projects");
  const filter = readListFilter(request.query);
  const user = await findUserInDomain(request.app.db, userId, scope);
  if (user === null) throw notFound(`Could not find user: ${userId}.`);
  return toPage(await listProjectsOfUser(request.app.db, userId, filter), filter.limit);
}
