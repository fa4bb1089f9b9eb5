import { route } from "../../../http/service.ts";
import {
  deleteServerGroupHandler,
  listServerGroupsHandler,
  postServerGroup,
  showServerGroup,
} from "./server-group.handlers.ts";
import { createServerGroupSchema } from "./server-group.schema.ts";

const GROUPS = "/v2.1/os-server-groups";
const GROUP = `${GROUPS}/:server_group_id`;
const rule = (verb: string): string => `os_compute_api:os-server-groups:${verb}`;

export const serverGroupRoutes = [
  route({ method: "GET", path: GROUPS, rule: rule("index"), handler: listServerGroupsHandler }),
  route({
    method: "POST",
    path: GROUPS,
    rule: rule("create"),
    body: createServerGroupSchema,
    handler: postServerGroup,
  }),
  route({ method: "GET", path: GROUP, rule: rule("show"), handler: showServerGroup }),
  route({ method: "DELETE", path: GROUP, rule: rule("delete"), handler: deleteServerGroupHandler }),
];
