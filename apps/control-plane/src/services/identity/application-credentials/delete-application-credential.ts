import { notFound } from "@andromede/base/errors";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { ApiRequest } from "../../../http/service.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import { callerToken } from "../tokens/caller-token.ts";
import { deleteCredential, findCredential } from "./application-credential.queries.ts";
import { assertMayManageCredentials } from "./create-application-credential.ts";

/** Ends the tokens that were had with it. */
export async function deleteApplicationCredential(request: ApiRequest, userId: string, id: string): Promise<void> {
  if (request.actor.userId === userId) assertMayManageCredentials(callerToken(request));
  await transactRevoking(request.app, request.origin, async (tx, revoke) => {
    const credential = await findCredential(tx.sql, userId, id);
    if (credential === null || !(await deleteCredential(tx.sql, id)))
      throw notFound(`Could not find Application Credential: ${id}.`);
    revoke(revocationOf.applicationCredential(id));
    tx.event({
      action: "identity.application_credential.delete",
      target: { type: "application_credential", id, projectId: credential.projectId },
      detail: { name: credential.name },
    });
  });
}
