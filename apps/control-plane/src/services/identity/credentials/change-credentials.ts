import { forbidden, invalid, notFound } from "@andromede/base/errors";

import { transactRevoking } from "../revocations/revoke.ts";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { extraOf, mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { assertMayMakeKeys, assertWithinDelegation, mayTouch, missingCredential } from "./credential-access.ts";
import { openBlob, wrapBlob } from "./credential-blob.ts";
import { type Credential, EC2, readEc2Blob } from "./credential.model.ts";
import { deleteCredentialRow, lockCredential, updateCredentialRow } from "./credential.queries.ts";
import { credentialMembers } from "./credential.schema.ts";

export type CredentialChange = { blob?: string; type?: string; user_id?: string; project_id?: string | null };

export async function updateCredential(
  request: ApiRequest,
  id: string,
  change: CredentialChange,
): Promise<{ credential: Credential; blob: string }> {
  const { app, actor, origin, plane } = request;
  return transactRevoking(app, origin, async (tx, revoke) => {
    const before = await lockCredential(tx.sql, id);
    if (before === null || !mayTouch(request, before)) throw missingCredential(id);
    assertWithinDelegation(request, before.projectId);
    if (change.user_id !== undefined && change.user_id !== before.userId && !isAdmin(actor, plane))
      throw forbidden("You are not authorized to perform the requested action: identity:update_credential.");
    const projectId = change.project_id === undefined ? before.projectId : change.project_id;
    assertWithinDelegation(request, projectId);
    const blob = change.blob ?? openBlob(app, before);
    const type = change.type === undefined ? before.type : change.type;
    assertKeyPair(request, before, { blob, type, projectId });
    const credential: Credential = {
      ...before,
      userId: change.user_id ?? before.userId,
      projectId,
      type: type.toLowerCase() === EC2 ? EC2 : type,
      wrappedBlob: wrapBlob(app, id, blob),
      extra: mergeExtra(before.extra, extraOf(change, credentialMembers)),
    };
    await refusing(updateCredentialRow(tx.sql, credential), {
      dangling: (cause) => notFound("Could not find the credential's user or project.", { cause }),
    });
    // what was had with the pair as it was
    if (before.type === EC2) revoke(revocationOf.credential(id));
    tx.event({
      action: "identity.credential.update",
      target: { type: "credential", id, projectId },
      detail: { type: credential.type, user: credential.userId, changed: Object.keys(change).slice(0, 32) },
    });
    return { credential, blob };
  });
}

/** A key pair stays the one it is: it is found by its access key, and carries what it was made with. */
function assertKeyPair(
  request: ApiRequest,
  before: Credential,
  after: { blob: string; type: string; projectId: string | null },
): void {
  const isPair = after.type.toLowerCase() === EC2;
  if (isPair !== (before.type === EC2)) throw invalid("The type of a credential cannot become or cease to be ec2");
  if (!isPair) return;
  assertMayMakeKeys(request);
  if (after.projectId === null) throw invalid("'project_id' is a required property of credentials of type ec2");
  const [old, chosen] = [readEc2Blob(openBlob(request.app, before)), readEc2Blob(after.blob)];
  for (const member of ["access", "trust_id", "app_cred_id", "access_token_id"]) {
    if ((old[member] ?? null) !== (chosen[member] ?? null))
      throw invalid(`${member} can not be updated for credential`, { field: "credential.blob" });
  }
}

/** `only`: of that type, and of that user. */
export async function deleteCredential(
  request: ApiRequest,
  id: string,
  only: { type?: string; userId?: string; missing?: () => Error } = {},
): Promise<void> {
  await transactRevoking(request.app, request.origin, async (tx, revoke) => {
    const credential = await lockCredential(tx.sql, id);
    const there =
      credential !== null &&
      mayTouch(request, credential) &&
      (only.type ?? credential.type) === credential.type &&
      (only.userId ?? credential.userId) === credential.userId;
    if (!there) throw only.missing?.() ?? missingCredential(id);
    assertWithinDelegation(request, credential.projectId);
    await deleteCredentialRow(tx.sql, id);
    if (credential.type === EC2) revoke(revocationOf.credential(id));
    tx.event({
      action: "identity.credential.delete",
      target: { type: "credential", id, projectId: credential.projectId },
      detail: { type: credential.type, user: credential.userId },
    });
  });
}
