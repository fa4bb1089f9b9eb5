import { type Route, route } from "../../../http/service.ts";
import {
  handleCreateCredential,
  handleCreateKeyPair,
  handleDeleteCredential,
  handleDeleteKeyPair,
  handleListCredentials,
  handleListKeyPairs,
  handleShowCredential,
  handleShowKeyPair,
  handleUpdateCredential,
} from "./credential.handlers.ts";
import { createCredentialSchema, createEc2Schema, updateCredentialSchema } from "./credential.schema.ts";
import { handleAccessKey, handleEc2Token, handleS3Token } from "./signature.handlers.ts";
import { accessKeySchema, signatureSchema } from "./signature.schema.ts";

const one = "/v3/credentials/:credential_id";
const pairs = "/v3/users/:user_id/credentials/OS-EC2";
const pair = `${pairs}/:credential_id`;

export const credentialRoutes: Route[] = [
  route({ method: "GET", path: "/v3/credentials", rule: "identity:list_credentials", handler: handleListCredentials }),
  route({
    method: "POST",
    path: "/v3/credentials",
    rule: "identity:create_credential",
    body: createCredentialSchema,
    handler: handleCreateCredential,
  }),
  route({ method: "GET", path: one, rule: "identity:get_credential", handler: handleShowCredential }),
  route({
    method: "PATCH",
    path: one,
    rule: "identity:update_credential",
    body: updateCredentialSchema,
    handler: handleUpdateCredential,
  }),
  route({ method: "DELETE", path: one, rule: "identity:delete_credential", handler: handleDeleteCredential }),
  route({ method: "GET", path: pairs, rule: "identity:ec2_list_credentials", handler: handleListKeyPairs }),
  route({
    method: "POST",
    path: pairs,
    rule: "identity:ec2_create_credential",
    body: createEc2Schema,
    handler: handleCreateKeyPair,
  }),
  route({ method: "GET", path: pair, rule: "identity:ec2_get_credential", handler: handleShowKeyPair }),
  route({ method: "DELETE", path: pair, rule: "identity:ec2_delete_credential", handler: handleDeleteKeyPair }),
  route({
    method: "POST",
    path: "/v3/ec2tokens",
    rule: "identity:ec2tokens_validate",
    body: signatureSchema,
    handler: handleEc2Token,
  }),
  route({
    method: "POST",
    path: "/v3/s3tokens",
    rule: "identity:s3tokens_validate",
    body: signatureSchema,
    handler: handleS3Token,
  }),
  route({
    method: "POST",
    path: "/v3/object-store/access-keys",
    rule: "identity:open_signing_key",
    body: accessKeySchema,
    handler: handleAccessKey,
  }),
];
