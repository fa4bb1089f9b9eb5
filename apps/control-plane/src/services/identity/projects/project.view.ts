import { selfLink } from "../shared/identity-links.ts";
import type { Project } from "./project.model.ts";

export const toProjectView = (project: Project, baseUrl: string) => ({
  ...project.extra,
  id: project.id,
  name: project.name,
  description: project.description,
  enabled: project.enabled,
  domain_id: project.domainId,
  // a project directly below its domain names that as its parent
  parent_id: project.parentId ?? project.domainId,
  is_domain: false,
  tags: project.tags,
  options: project.immutable ? { immutable: true } : {},
  ...selfLink(baseUrl, `projects/${project.id}`),
});
