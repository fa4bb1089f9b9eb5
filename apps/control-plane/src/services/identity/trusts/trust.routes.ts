import { type Route, route } from "../../../http/service.ts";
import {
  handleCheckTrustRole,
  handleCreateTrust,
  handleDeleteTrust,
  handleListTrustRoles,
  handleListTrusts,
  handleShowTrust,
  handleShowTrustRole,
} from "./trust.handlers.ts";
import { createTrustSchema } from "./trust.schema.ts";

const list = "/v3/OS-TRUST/trusts";
const one = `${list}/:trust_id`;
const role = `${one}/roles/:role_id`;

export const trustRoutes: Route[] = [
  route({ method: "GET", path: list, rule: "identity:list_trusts", handler: handleListTrusts }),
  route({
    method: "POST",
    path: list,
    rule: "identity:create_trust",
    body: createTrustSchema,
    handler: handleCreateTrust,
  }),
  route({ method: "GET", path: one, rule: "identity:get_trust", handler: handleShowTrust }),
  route({ method: "DELETE", path: one, rule: "identity:delete_trust", handler: handleDeleteTrust }),
  route({ method: "GET", path: `${one}/roles`, rule: "identity:list_roles_for_trust", handler: handleListTrustRoles }),
  route({ method: "GET", path: role, rule: "identity:get_role_for_trust", handler: handleShowTrustRole }),
  route({ method: "HEAD", path: role, rule: "identity:get_role_for_trust", handler: handleCheckTrustRole }),
];
