import { notFound } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { refused } from "../shared/authority.ts";
import { findUserInDomain } from "../users/user.queries.ts";
import { assertWithinDelegation, isLent, mayTouch, missingCredential } from "./credential-access.ts";
import { type Credential, EC2 } from "./credential.model.ts";
import { ec2Id } from "./ec2-id.ts";
import { findCredentialById, listCredentials } from "./credential.queries.ts";

const LIMIT = 10_000;

export async function readCredential(request: ApiRequest, id: string): Promise<Credential> {
  const credential = await findCredentialById(request.app.db, id);
  if (credential === null || !mayTouch(request, credential)) throw missingCredential(id);
  assertWithinDelegation(request, credential.projectId);
  return credential;
}

/** One's own; of others an ordinary user sees none, as Keystone's filter leaves none. */
export async function readCredentials(request: ApiRequest): Promise<Credential[]> {
  const { app, actor, plane, query } = request;
  const asked = query.get("user_id");
  const admin = isAdmin(actor, plane);
  if (!admin && asked !== undefined && asked !== actor.userId) return [];
  return listCredentials(app.db, {
    userId: admin ? (asked ?? null) : actor.userId,
    type: query.get("type"),
    projectId: isLent(request) ? (actor.projectId ?? "") : null,
    limit: LIMIT,
  });
}

export async function readKeyPairs(request: ApiRequest, userId: string): Promise<Credential[]> {
  const { app, actor, plane } = request;
  if (userId !== actor.userId && !isAdmin(actor, plane)) throw refused("ec2_list_credentials");
  if (userId !== actor.userId && (await findUserInDomain(app.db, userId, null)) === null)
    throw notFound(`Could not find user: ${userId}.`);
  const projectId = isLent(request) ? (actor.projectId ?? "") : null;
  return listCredentials(app.db, { userId, type: EC2, projectId, limit: LIMIT });
}

export async function readKeyPair(request: ApiRequest, userId: string, access: string): Promise<Credential> {
  const credential = await findCredentialById(request.app.db, ec2Id(access));
  if (credential === null || credential.userId !== userId || credential.type !== EC2 || !mayTouch(request, credential))
    throw missingCredential(access);
  assertWithinDelegation(request, credential.projectId);
  return credential;
}
