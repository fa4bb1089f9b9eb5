import { notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { validate } from "../../../http/validation.ts";
import { domainWithin, requireDomainScope } from "../shared/authority.ts";
import { extraOf } from "../shared/extra.ts";
import { identityUrl, listLinks } from "../shared/identity-links.ts";
import { changeTags } from "./change-tags.ts";
import { createProject } from "./create-project.ts";
import { isFlagSet } from "../shared/list-filter.ts";
import { deleteProject } from "./delete-project.ts";
import type { Project, ProjectChange } from "./project.model.ts";
import {
  createDomainProject,
  deleteDomainProject,
  namesDomain,
  readDomainProject,
  readDomainProjects,
  toDomainProjectView,
  updateDomainProject,
} from "./project-domains.ts";
import { projectMembers, tagSchema } from "./project.schema.ts";
import { toProjectView } from "./project.view.ts";
import { getProject, readOwnProjects, readProject, readProjects, readProjectsOfUser } from "./read-projects.ts";
import { readTree } from "./read-tree.ts";
import { updateProject } from "./update-project.ts";

type Created = { project: ProjectChange & { name: string } };
type Updated = { project: ProjectChange };
const idOf = (request: Pick<ApiRequest, "params">): string => request.params["project_id"] ?? "";

export async function handleCreateProject(request: ApiRequest<Created>): Promise<Reply> {
  const given = request.body.project;
  if (given.is_domain === true) {
    const domain = await createDomainProject(request, given);
    return created({ project: toDomainProjectView(domain, request.baseUrl) });
  }
  const scope = requireDomainScope(request, "manager", "create_project");
  const domainId = domainWithin(scope, given.domain_id, "create_project");
  const project = await createProject(request.app, request.origin, given, domainId, extraOf(given, projectMembers));
  return created({ project: toProjectView(project, request.baseUrl) });
}

const page = (request: ApiRequest, found: { rows: Project[]; next: string | null }): Reply =>
  ok({
    projects: found.rows.map((project) => toProjectView(project, request.baseUrl)),
    links: listLinks(request, found.next),
  });

export async function handleListProjects(request: ApiRequest): Promise<Reply> {
  if (request.query.has("is_domain") && isFlagSet(request.query, "is_domain")) {
    const found = await readDomainProjects(request);
    return ok({
      projects: found.rows.map((domain) => toDomainProjectView(domain, request.baseUrl)),
      links: listLinks(request, found.next),
    });
  }
  return page(request, await readProjects(request));
}

export const handleOwnProjects = async (request: ApiRequest): Promise<Reply> =>
  page(request, await readOwnProjects(request));

export const handleProjectsOfUser = async (request: ApiRequest): Promise<Reply> =>
  page(request, await readProjectsOfUser(request, request.params["user_id"] ?? ""));

export async function handleShowProject(request: ApiRequest): Promise<Reply> {
  const id = idOf(request);
  const project = await readProject(request, id);
  if (project === null) {
    const domain = await readDomainProject(request, id);
    return ok({ project: toDomainProjectView(domain, request.baseUrl) });
  }
  return ok({ project: { ...toProjectView(project, request.baseUrl), ...(await readTree(request, project)) } });
}

export async function handleUpdateProject(request: ApiRequest<Updated>): Promise<Reply> {
  const given = request.body.project;
  if (await namesDomain(request, idOf(request))) {
    const domain = await updateDomainProject(request, idOf(request), given);
    return ok({ project: toDomainProjectView(domain, request.baseUrl) });
  }
  const scope = requireDomainScope(request, "manager", "update_project");
  const project = await updateProject(
    request.app,
    request.origin,
    scope,
    idOf(request),
    given,
    extraOf(given, projectMembers),
  );
  return ok({ project: toProjectView(project, request.baseUrl) });
}

export async function handleDeleteProject(request: ApiRequest): Promise<Reply> {
  const id = idOf(request);
  if (await namesDomain(request, id)) await deleteDomainProject(request, id);
  else await deleteProject(request.app, request.origin, requireDomainScope(request, "manager", "delete_project"), id);
  return noContent();
}

const tagsReply = (request: Pick<ApiRequest, "baseUrl">, project: Project): Reply =>
  ok({
    tags: project.tags,
    links: { self: identityUrl(request.baseUrl, `projects/${project.id}/tags`), previous: null, next: null },
  });

export async function handleListTags(request: ApiRequest): Promise<Reply> {
  return tagsReply(request, await getProject(request, idOf(request)));
}

export async function handleReplaceTags(request: ApiRequest<{ tags: string[] }>): Promise<Reply> {
  const scope = requireDomainScope(request, "manager", "update_project_tags");
  return tagsReply(
    request,
    await changeTags(request.app, request.origin, scope, idOf(request), () => request.body.tags),
  );
}

export async function handleDeleteTags(request: ApiRequest): Promise<Reply> {
  const scope = requireDomainScope(request, "manager", "delete_project_tags");
  await changeTags(request.app, request.origin, scope, idOf(request), () => []);
  return noContent();
}

export async function handleShowTag(request: ApiRequest): Promise<Reply> {
  const project = await getProject(request, idOf(request));
  const tag = request.params["tag"] ?? "";
  if (!project.tags.includes(tag)) throw notFound(`Could not find project tag: ${tag}.`);
  return noContent();
}

export async function handleAddTag(request: ApiRequest): Promise<Reply> {
  const scope = requireDomainScope(request, "manager", "create_project_tag");
  const tag = request.params["tag"] ?? "";
  validate(tagSchema, tag);
  await changeTags(request.app, request.origin, scope, idOf(request), (tags) =>
    tags.includes(tag) ? tags : [...tags, tag],
  );
  return created(undefined, {
    location: identityUrl(request.baseUrl, `projects/${idOf(request)}/tags/${encodeURIComponent(tag)}`),
  });
}

export async function handleDeleteTag(request: ApiRequest): Promise<Reply> {
  const scope = requireDomainScope(request, "manager", "delete_project_tag");
  const tag = request.params["tag"] ?? "";
  await changeTags(request.app, request.origin, scope, idOf(request), (tags) => {
    if (!tags.includes(tag)) throw notFound(`Could not find project tag: ${tag}.`);
    return tags.filter((one) => one !== tag);
  });
  return noContent();
}
