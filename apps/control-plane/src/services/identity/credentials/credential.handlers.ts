import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { listLinks } from "../shared/identity-links.ts";
import { type CredentialChange, deleteCredential, updateCredential } from "./change-credentials.ts";
import { type CreateCredential, createCredential, createKeyPair } from "./create-credential.ts";
import { missingCredential } from "./credential-access.ts";
import { openBlob } from "./credential-blob.ts";
import { type Credential, EC2 } from "./credential.model.ts";
import { ec2Id } from "./ec2-id.ts";
import { toCredentialView, toEc2View } from "./credential.view.ts";
import { readCredential, readCredentials, readKeyPair, readKeyPairs } from "./read-credentials.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["credential_id"] ?? "";
const userIdOf = (request: Pick<ApiRequest, "params">): string => request.params["user_id"] ?? "";

const shown = (request: ApiRequest, credential: Credential) =>
  toCredentialView(credential, openBlob(request.app, credential), request.baseUrl);
const shownPair = (request: ApiRequest, credential: Credential) =>
  toEc2View(credential, openBlob(request.app, credential), request.baseUrl);

export async function handleCreateCredential(request: ApiRequest<{ credential: CreateCredential }>): Promise<Reply> {
  const { credential, blob } = await createCredential(request, request.body.credential);
  return created({ credential: toCredentialView(credential, blob, request.baseUrl) });
}

export async function handleListCredentials(request: ApiRequest): Promise<Reply> {
  const credentials = await readCredentials(request);
  return ok({ credentials: credentials.map((one) => shown(request, one)), links: listLinks(request) });
}

export async function handleShowCredential(request: ApiRequest): Promise<Reply> {
  return ok({ credential: shown(request, await readCredential(request, idOf(request))) });
}

export async function handleUpdateCredential(request: ApiRequest<{ credential: CredentialChange }>): Promise<Reply> {
  const { credential, blob } = await updateCredential(request, idOf(request), request.body.credential);
  return ok({ credential: toCredentialView(credential, blob, request.baseUrl) });
}

export async function handleDeleteCredential(request: ApiRequest): Promise<Reply> {
  await deleteCredential(request, idOf(request));
  return noContent();
}

export async function handleCreateKeyPair(request: ApiRequest<{ tenant_id: string }>): Promise<Reply> {
  const { credential, blob } = await createKeyPair(request, userIdOf(request), request.body.tenant_id);
  return created({ credential: toEc2View(credential, blob, request.baseUrl) });
}

export async function handleListKeyPairs(request: ApiRequest): Promise<Reply> {
  const pairs = await readKeyPairs(request, userIdOf(request));
  return ok({ credentials: pairs.map((one) => shownPair(request, one)), links: listLinks(request) });
}

export async function handleShowKeyPair(request: ApiRequest): Promise<Reply> {
  return ok({ credential: shownPair(request, await readKeyPair(request, userIdOf(request), idOf(request))) });
}

export async function handleDeleteKeyPair(request: ApiRequest): Promise<Reply> {
  const access = idOf(request);
  const only = { type: EC2, userId: userIdOf(request), missing: () => missingCredential(access) };
  await deleteCredential(request, ec2Id(access), only);
  return noContent();
}
