/**
 * Nova's older door to the network service's security groups, which Debian's client still uses to find a group's id.
 * Served up to microversion 2.35. The groups, their quota and their events are the network service's.
 */
import { CloudError, forbidden, invalid, notFound } from "@andromede/base/errors";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  type DescribedSecurityGroup,
  createSecurityGroup,
  deleteSecurityGroup,
  describeProjectSecurityGroups,
  describeSecurityGroupsById,
  ensureDefaultGroupSeen,
  readSecurityGroup,
  updateSecurityGroup,
} from "../../network/public.ts";
import { asksAsAdmin, projectOf } from "../common/actor.ts";

type Fields = { name: string; description: string | null };

const requesterOf = (request: ApiRequest): { projectId: string; admin: boolean } => ({
  projectId: projectOf(request),
  admin: asksAsAdmin(request),
});

/** Of the token's project; an operator may ask for everybody's. */
export async function readProxiedGroups(
  request: ApiRequest,
  options: { everybody: boolean; limit: number; offset: number },
): Promise<DescribedSecurityGroup[]> {
  const { projectId, admin } = requesterOf(request);
  await ensureDefaultGroupSeen(request.app, request.origin, projectId);
  return describeProjectSecurityGroups(request.app.db, options.everybody && admin ? null : projectId, options);
}

export async function readProxiedGroup(request: ApiRequest, id: string): Promise<DescribedSecurityGroup> {
  // the scope is checked there
  const group = await readSecurityGroup(request.app.db, requesterOf(request), id);
  const [described] = await describeSecurityGroupsById(request.app.db, [group.id]);
  if (described === undefined) throw notFound(`Security group ${id} does not exist`);
  return described;
}

export async function createProxiedGroup(request: ApiRequest, fields: Fields): Promise<DescribedSecurityGroup> {
  const { projectId } = requesterOf(request);
  const wanted = { projectId, name: fields.name, description: fields.description ?? "", stateful: true };
  // Nova takes every conflict here for a full quota
  const made = await change(request, forbidden, (tx) => createSecurityGroup(tx, wanted));
  return readProxiedGroup(request, made.id);
}

export async function updateProxiedGroup(
  request: ApiRequest,
  id: string,
  fields: Fields,
): Promise<DescribedSecurityGroup> {
  const wanted = { name: fields.name, ...(fields.description === null ? {} : { description: fields.description }) };
  await change(request, invalid, (tx) => updateSecurityGroup(tx, requesterOf(request), id, wanted));
  return readProxiedGroup(request, id);
}

/** In use, or the project's default: 400, as Nova says it. */
export async function deleteProxiedGroup(request: ApiRequest, id: string): Promise<void> {
  await change(request, invalid, (tx) => deleteSecurityGroup(tx, requesterOf(request), id));
}

async function change<T>(
  request: ApiRequest,
  atConflict: typeof invalid,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await transact(request.app, request.origin, work);
  } catch (error) {
    if (error instanceof CloudError && error.kind === "conflict") throw atConflict(error.message, { cause: error });
    throw error;
  }
}
