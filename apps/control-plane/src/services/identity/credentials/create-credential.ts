import { randomBytes } from "node:crypto";

import { conflict, forbidden, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { findProject } from "../projects/project.queries.ts";
import { extraOf, mergeExtra } from "../shared/extra.ts";
import { refused } from "../shared/authority.ts";
import { refusing } from "../shared/violations.ts";
import { findUserInDomain, lockUser } from "../users/user.queries.ts";
import { assertMayMakeKeys, assertWithinDelegation } from "./credential-access.ts";
import { wrapBlob } from "./credential-blob.ts";
import { type Credential, EC2, readEc2Blob } from "./credential.model.ts";
import { ec2Id } from "./ec2-id.ts";
import { countCredentials, insertCredentialRow } from "./credential.queries.ts";
import { credentialMembers } from "./credential.schema.ts";

/** Keystone's `[credential] user_limit` is off by default; without one, anybody fills the disk. */
const MAX_OF_USER = 200;

export type CreateCredential = { blob: string; type: string; user_id: string; project_id?: string | null };
type Made = { credential: Credential; blob: string };

export async function createCredential(request: ApiRequest, given: CreateCredential): Promise<Made> {
  const { actor, plane } = request;
  if (given.user_id !== actor.userId && !isAdmin(actor, plane)) throw refused("create_credential");
  const projectId = given.project_id ?? null;
  assertWithinDelegation(request, projectId);
  const extra = mergeExtra({}, extraOf(given, credentialMembers));
  if (given.type.toLowerCase() !== EC2) return store(request, { ...given, id: newHexId(), projectId, extra });
  assertMayMakeKeys(request);
  if (projectId === null)
    throw invalid("'project_id' is a required property of credentials of type ec2", { field: "credential.project_id" });
  const { access } = readEc2Blob(given.blob);
  return store(request, { ...given, type: EC2, id: ec2Id(access), projectId, extra });
}

/** A new key pair (`POST /users/{id}/credentials/OS-EC2`). */
export async function createKeyPair(request: ApiRequest, userId: string, projectId: string): Promise<Made> {
  const { actor, app, plane } = request;
  if (userId !== actor.userId && !isAdmin(actor, plane)) throw refused("ec2_create_credential");
  assertMayMakeKeys(request);
  if ((await findUserInDomain(app.db, userId, null)) === null) throw notFound(`Could not find user: ${userId}.`);
  if ((await findProject(app.db, projectId)) === null) throw notFound(`Could not find project: ${projectId}.`);
  assertWithinDelegation(request, projectId);
  const access = randomBytes(16).toString("hex");
  const blob = JSON.stringify({ access, secret: randomBytes(16).toString("hex"), trust_id: actor.trustId ?? null });
  return store(request, { blob, type: EC2, user_id: userId, id: ec2Id(access), projectId, extra: {} });
}

async function store(
  request: ApiRequest,
  wanted: CreateCredential & { id: string; projectId: string | null; extra: Credential["extra"] },
): Promise<Made> {
  const { app, actor, origin } = request;
  const credential: Credential = {
    id: wanted.id,
    userId: wanted.user_id,
    projectId: wanted.projectId,
    type: wanted.type,
    wrappedBlob: wrapBlob(app, wanted.id, wanted.blob),
    trustId: actor.trustId ?? null,
    applicationCredentialId: actor.applicationCredentialId ?? null,
    extra: wanted.extra,
  };
  await transact(app, origin, async (tx) => {
    // the user's lock makes counting safe
    if ((await lockUser(tx.sql, credential.userId, null)) === null)
      throw notFound(`Could not find user: ${credential.userId}.`);
    if ((await countCredentials(tx.sql, credential.userId)) >= MAX_OF_USER)
      throw forbidden(`Unable to create additional credentials, maximum of ${MAX_OF_USER} already exceeded for user.`);
    await refusing(insertCredentialRow(tx.sql, credential), {
      duplicate: (cause) =>
        conflict("Conflict occurred attempting to store credential - Duplicate entry found.", { cause }),
      dangling: (cause) => notFound(`Could not find project: ${credential.projectId ?? ""}.`, { cause }),
    });
    tx.event({
      action: "identity.credential.create",
      target: { type: "credential", id: credential.id, projectId: credential.projectId },
      detail: { type: credential.type, user: credential.userId },
    });
  });
  return { credential, blob: wanted.blob };
}
