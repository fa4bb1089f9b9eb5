/** What is above and below a project (`parents_as_list`, `subtree_as_ids` and their sisters). */
import { invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { isFlagSet } from "../shared/list-filter.ts";
import type { Project } from "./project.model.ts";
import { filterHeld, listAncestors, listSubtree } from "./project.queries.ts";
import { toProjectView } from "./project.view.ts";

export type IdTree = { [id: string]: IdTree } | null;

/** The members to add to a project's view. Lists hold those that the asker has a role on, as Keystone; ids are all. */
export async function readTree(request: ApiRequest, project: Project): Promise<{ [member: string]: unknown }> {
  const { query } = request;
  const asked = (name: string): boolean => isFlagSet(query, name);
  for (const word of ["parents", "subtree"]) {
    if (asked(`${word}_as_list`) && asked(`${word}_as_ids`))
      throw invalid(`Cannot use ${word}_as_list and ${word}_as_ids query params at the same time.`);
  }
  return {
    ...(asked("parents_as_list") ? { parents: await held(request, await ancestors(request, project)) } : {}),
    ...(asked("parents_as_ids") ? { parents: parentIds(project, await ancestors(request, project)) } : {}),
    ...(asked("subtree_as_list") ? { subtree: await held(request, await subtree(request, project)) } : {}),
    ...(asked("subtree_as_ids") ? { subtree: subtreeIds(project.id, await subtree(request, project)) } : {}),
  };
}

const ancestors = ({ app }: ApiRequest, project: Project): Promise<Project[]> => listAncestors(app.db, project.id);
const subtree = ({ app }: ApiRequest, project: Project): Promise<Project[]> => listSubtree(app.db, project.id);

async function held(request: ApiRequest, projects: Project[]) {
  const ids = projects.map((project) => project.id);
  const mine = await filterHeld(request.app.db, request.actor.userId, ids);
  return projects
    .filter((project) => mine.has(project.id))
    .map((project) => ({ project: toProjectView(project, request.baseUrl) }));
}

/** Nested, the nearest outermost; the domain is the last. */
export function parentIds(project: Project, above: Project[]): IdTree {
  const ids = [...above.map((one) => one.id), project.domainId];
  return ids.reduceRight<IdTree>((below, id) => ({ [id]: below }), null);
}

export function subtreeIds(id: string, below: Pick<Project, "id" | "parentId">[]): IdTree {
  const children = below.filter((one) => one.parentId === id);
  if (children.length === 0) return null;
  return Object.fromEntries(children.map((child) => [child.id, subtreeIds(child.id, below)]));
}
