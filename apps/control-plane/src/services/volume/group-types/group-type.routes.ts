import { route } from "../../../http/service.ts";
import {
  deleteSpec,
  deleteType,
  listSpecs,
  listTypes,
  postSpecs,
  postType,
  putSpec,
  putType,
  showSpec,
  showType,
} from "./group-type.handlers.ts";
import {
  createGroupTypeSchema,
  groupSpecSchema,
  groupSpecsSchema,
  updateGroupTypeSchema,
} from "./group-type.schema.ts";

const T = "/v3/group_types";
const ONE = `${T}/:group_type_id`;
const SPECS = `${ONE}/group_specs`;
const SPEC = `${SPECS}/:key`;
const since = 11;
const P = "group:group_types:";
const PS = "group:group_types_specs:";

export const groupTypeRoutes = [
  route({ method: "GET", path: T, rule: "group:get_all", since, handler: listTypes }),
  route({ method: "POST", path: T, rule: `${P}create`, since, body: createGroupTypeSchema, handler: postType }),
  route({ method: "GET", path: ONE, rule: "group:get", since, handler: showType }),
  route({ method: "PUT", path: ONE, rule: `${P}update`, since, body: updateGroupTypeSchema, handler: putType }),
  route({ method: "DELETE", path: ONE, rule: `${P}delete`, since, handler: deleteType }),
  route({ method: "GET", path: SPECS, rule: `${PS}get_all`, since, handler: listSpecs }),
  route({ method: "POST", path: SPECS, rule: `${PS}create`, since, body: groupSpecsSchema, handler: postSpecs }),
  route({ method: "GET", path: SPEC, rule: `${PS}get`, since, handler: showSpec }),
  route({ method: "PUT", path: SPEC, rule: `${PS}update`, since, body: groupSpecSchema, handler: putSpec }),
  route({ method: "DELETE", path: SPEC, rule: `${PS}delete`, since, handler: deleteSpec }),
];
