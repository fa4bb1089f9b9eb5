import { type Route, route } from "../../../http/service.ts";
import {
  handleAddTag,
  handleCreateProject,
  handleDeleteProject,
  handleDeleteTag,
  handleDeleteTags,
  handleListProjects,
  handleListTags,
  handleOwnProjects,
  handleProjectsOfUser,
  handleReplaceTags,
  handleShowProject,
  handleShowTag,
  handleUpdateProject,
} from "./project.handlers.ts";
import { createProjectSchema, replaceTagsSchema, updateProjectSchema } from "./project.schema.ts";

const one = "/v3/projects/:project_id";

export const projectRoutes: Route[] = [
  route({ method: "GET", path: "/v3/auth/projects", rule: "identity:get_auth_projects", handler: handleOwnProjects }),
  route({
    method: "GET",
    path: "/v3/users/:user_id/projects",
    rule: "identity:list_user_projects",
    handler: handleProjectsOfUser,
  }),
  route({ method: "GET", path: "/v3/projects", rule: "identity:list_projects", handler: handleListProjects }),
  route({
    method: "POST",
    path: "/v3/projects",
    rule: "identity:create_project",
    body: createProjectSchema,
    handler: handleCreateProject,
  }),
  route({ method: "GET", path: one, rule: "identity:get_project", handler: handleShowProject }),
  route({
    method: "PATCH",
    path: one,
    rule: "identity:update_project",
    body: updateProjectSchema,
    handler: handleUpdateProject,
  }),
  route({ method: "DELETE", path: one, rule: "identity:delete_project", handler: handleDeleteProject }),
  route({ method: "GET", path: `${one}/tags`, rule: "identity:list_project_tags", handler: handleListTags }),
  route({
    method: "PUT",
    path: `${one}/tags`,
    rule: "identity:update_project_tags",
    body: replaceTagsSchema,
    handler: handleReplaceTags,
  }),
  route({ method: "DELETE", path: `${one}/tags`, rule: "identity:delete_project_tags", handler: handleDeleteTags }),
  route({ method: "GET", path: `${one}/tags/:tag`, rule: "identity:get_project_tag", handler: handleShowTag }),
  route({ method: "PUT", path: `${one}/tags/:tag`, rule: "identity:create_project_tag", handler: handleAddTag }),
  route({ method: "DELETE", path: `${one}/tags/:tag`, rule: "identity:delete_project_tag", handler: handleDeleteTag }),
];
