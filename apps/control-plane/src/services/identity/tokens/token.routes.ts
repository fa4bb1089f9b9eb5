import { type Route, route } from "../../../http/service.ts";
import { authSchema } from "./auth-request.schema.ts";
import {
  handleCheckToken,
  handleIssueToken,
  handleOwnSystem,
  handleRevokeToken,
  handleValidateToken,
} from "./token.handlers.ts";

const path = "/v3/auth/tokens";

export const tokenRoutes: Route[] = [
  route({
    method: "POST",
    path,
    rule: "identity:authenticate",
    body: authSchema,
    maxBodyBytes: 65_536,
    handler: handleIssueToken,
  }),
  route({ method: "GET", path, rule: "identity:validate_token", handler: handleValidateToken }),
  route({ method: "HEAD", path, rule: "identity:check_token", handler: handleCheckToken }),
  route({ method: "DELETE", path, rule: "identity:revoke_token", handler: handleRevokeToken }),
  route({ method: "GET", path: "/v3/auth/system", rule: "identity:get_auth_system", handler: handleOwnSystem }),
];
