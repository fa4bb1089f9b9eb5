import { route } from "../../../http/service.ts";
import {
  listProxiedGroups,
  postProxiedGroup,
  putProxiedGroup,
  removeProxiedGroup,
  showProxiedGroup,
} from "./security-group.handlers.ts";
import { securityGroupSchema } from "./security-group.schema.ts";

const GROUPS = "/v2.1/os-security-groups";
const GROUP = `${GROUPS}/:security_group_id`;
/** Microversion 2.36 took Nova's doors to other services away. */
const until = 35;
const rule = (verb: string): string => `os_compute_api:os-security-groups:${verb}`;

export const securityGroupRoutes = [
  route({ method: "GET", path: GROUPS, until, rule: rule("get"), handler: listProxiedGroups }),
  route({
    method: "POST",
    path: GROUPS,
    until,
    rule: rule("create"),
    body: securityGroupSchema,
    handler: postProxiedGroup,
  }),
  route({ method: "GET", path: GROUP, until, rule: rule("show"), handler: showProxiedGroup }),
  route({
    method: "PUT",
    path: GROUP,
    until,
    rule: rule("update"),
    body: securityGroupSchema,
    handler: putProxiedGroup,
  }),
  route({ method: "DELETE", path: GROUP, until, rule: rule("delete"), handler: removeProxiedGroup }),
];
