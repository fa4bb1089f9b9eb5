import { type Route, route } from "../../../http/service.ts";
import {
  handleCreateCredential,
  handleDeleteCredential,
  handleListCredentials,
  handleShowCredential,
} from "./application-credential.handlers.ts";
import { createApplicationCredentialSchema } from "./application-credential.schema.ts";

const list = "/v3/users/:user_id/application_credentials";
const one = `${list}/:application_credential_id`;

export const applicationCredentialRoutes: Route[] = [
  route({ method: "GET", path: list, rule: "identity:list_application_credentials", handler: handleListCredentials }),
  route({
    method: "POST",
    path: list,
    rule: "identity:create_application_credential",
    body: createApplicationCredentialSchema,
    handler: handleCreateCredential,
  }),
  route({ method: "GET", path: one, rule: "identity:get_application_credential", handler: handleShowCredential }),
  route({
    method: "DELETE",
    path: one,
    rule: "identity:delete_application_credential",
    handler: handleDeleteCredential,
  }),
];
