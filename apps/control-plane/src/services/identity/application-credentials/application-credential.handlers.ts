import { notFound } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { refused } from "../shared/authority.ts";
import { listLinks } from "../shared/identity-links.ts";
import { toApplicationCredentialView } from "./application-credential.view.ts";
import { type CreateApplicationCredential, createApplicationCredential } from "./create-application-credential.ts";
import { deleteApplicationCredential } from "./delete-application-credential.ts";
import { readCredential, readCredentials } from "./read-application-credentials.ts";

const userIdOf = (request: Pick<ApiRequest, "params">): string => request.params["user_id"] ?? "";
const idOf = (request: Pick<ApiRequest, "params">): string => request.params["application_credential_id"] ?? "";

/** One's own; operators may look at and remove anybody's. */
function assertOwner(request: Pick<ApiRequest, "actor" | "plane" | "params">, rule: string): void {
  if (request.actor.userId !== userIdOf(request) && !isAdmin(request.actor, request.plane)) throw refused(rule);
}

export async function handleCreateCredential(
  request: ApiRequest<{ application_credential: CreateApplicationCredential }>,
): Promise<Reply> {
  if (request.actor.userId !== userIdOf(request)) throw refused("create_application_credential");
  const { credential, secret } = await createApplicationCredential(request, request.body.application_credential);
  return created({ application_credential: { ...toApplicationCredentialView(credential, request.baseUrl), secret } });
}

export async function handleListCredentials(request: ApiRequest): Promise<Reply> {
  assertOwner(request, "list_application_credentials");
  const credentials = await readCredentials(request, userIdOf(request));
  return ok({
    application_credentials: credentials.map((one) => toApplicationCredentialView(one, request.baseUrl)),
    links: listLinks(request),
  });
}

export async function handleShowCredential(request: ApiRequest): Promise<Reply> {
  assertOwner(request, "get_application_credential");
  const credential = await readCredential(request, userIdOf(request), idOf(request));
  if (credential === null) throw notFound(`Could not find Application Credential: ${idOf(request)}.`);
  return ok({ application_credential: toApplicationCredentialView(credential, request.baseUrl) });
}

export async function handleDeleteCredential(request: ApiRequest): Promise<Reply> {
  assertOwner(request, "delete_application_credential");
  await deleteApplicationCredential(request, userIdOf(request), idOf(request));
  return noContent();
}
