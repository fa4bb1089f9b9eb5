import { type Route, route } from "../../../http/service.ts";
import {
  handleAddMember,
  handleCheckMember,
  handleCreateGroup,
  handleDeleteGroup,
  handleGroupsOfUser,
  handleListGroups,
  handleListMembers,
  handleRemoveMember,
  handleShowGroup,
  handleUpdateGroup,
} from "./group.handlers.ts";
import { createGroupSchema, updateGroupSchema } from "./group.schema.ts";

const one = "/v3/groups/:group_id";
const member = `${one}/users/:user_id`;

export const groupRoutes: Route[] = [
  route({
    method: "GET",
    path: "/v3/users/:user_id/groups",
    rule: "identity:list_groups_for_user",
    handler: handleGroupsOfUser,
  }),
  route({ method: "GET", path: "/v3/groups", rule: "identity:list_groups", handler: handleListGroups }),
  route({
    method: "POST",
    path: "/v3/groups",
    rule: "identity:create_group",
    body: createGroupSchema,
    handler: handleCreateGroup,
  }),
  route({ method: "GET", path: one, rule: "identity:get_group", handler: handleShowGroup }),
  route({
    method: "PATCH",
    path: one,
    rule: "identity:update_group",
    body: updateGroupSchema,
    handler: handleUpdateGroup,
  }),
  route({ method: "DELETE", path: one, rule: "identity:delete_group", handler: handleDeleteGroup }),
  route({ method: "GET", path: `${one}/users`, rule: "identity:list_users_in_group", handler: handleListMembers }),
  route({ method: "HEAD", path: member, rule: "identity:check_user_in_group", handler: handleCheckMember }),
  route({ method: "GET", path: member, rule: "identity:check_user_in_group", handler: handleCheckMember }),
  route({ method: "PUT", path: member, rule: "identity:add_user_to_group", handler: handleAddMember }),
  route({ method: "DELETE", path: member, rule: "identity:remove_user_from_group", handler: handleRemoveMember }),
];
