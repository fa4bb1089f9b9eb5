import { route } from "../../../http/service.ts";
import { actionBodySchema } from "../volumes/volume.schema.ts";
import {
  actOnGroup,
  listGroups,
  listGroupsDetail,
  postGroup,
  postGroupCopy,
  putGroup,
  showGroup,
} from "./group.handlers.ts";
import { copyGroupSchema, createGroupSchema, updateGroupSchema } from "./group.schema.ts";

const G = "/v3/groups";
const ONE = `${G}/:volume_group_id`;
const since = 13;

export const groupRoutes = [
  route({ method: "GET", path: G, rule: "group:get_all", since, handler: listGroups }),
  route({ method: "GET", path: `${G}/detail`, rule: "group:get_all", since, handler: listGroupsDetail }),
  route({ method: "POST", path: G, rule: "group:create", since, body: createGroupSchema, handler: postGroup }),
  route({
    method: "POST",
    path: `${G}/action`,
    rule: "group:create",
    since: 14,
    body: copyGroupSchema,
    handler: postGroupCopy,
  }),
  route({ method: "GET", path: ONE, rule: "group:get", since, handler: showGroup }),
  route({ method: "PUT", path: ONE, rule: "group:update", since, body: updateGroupSchema, handler: putGroup }),
  route({
    method: "POST",
    path: `${ONE}/action`,
    rule: "group:action",
    since,
    body: actionBodySchema,
    handler: actOnGroup,
  }),
];
