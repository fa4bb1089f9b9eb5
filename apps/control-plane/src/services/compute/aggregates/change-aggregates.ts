/** Aggregates: which hosts belong together, and in which zone they are. Rules as Nova's (nova/compute/api.py, AggregateAPI). */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { Aggregate } from "./aggregate.model.ts";
import {
  deleteAggregateHost,
  deleteAggregateRow,
  findAggregate,
  haveServers,
  insertAggregate,
  insertAggregateHost,
  isAggregateNamed,
  lockAggregate,
  lockHosts,
  settleZones,
  updateAggregateRow,
  zonesElsewhere,
} from "./aggregate.queries.ts";

const unknown = (id: string): CloudError => notFound(`Aggregate ${id} could not be found.`);
const target = (aggregate: Pick<Aggregate, "id">) => ({ type: "aggregate", id: String(aggregate.id), projectId: null });
const emptyZone = (name: string): string => `Aggregate ${name} does not support empty named availability zone`;

/** An id is a number; what is none is the client's error, and a number that is too large is nobody's. */
export function readAggregateId(text: string): number {
  if (!/^-?\d+$/.test(text)) throw invalid(`Invalid input received: id must be an integer`);
  const id = Number(text);
  if (!Number.isSafeInteger(id)) throw unknown(text);
  return id;
}

export async function readAggregate(request: ApiRequest, id: string): Promise<Aggregate> {
  const aggregate = await findAggregate(request.app.db, readAggregateId(id));
  if (aggregate === null) throw unknown(id);
  return aggregate;
}

async function getLocked(tx: Transaction, id: string): Promise<Aggregate> {
  const aggregate = await lockAggregate(tx.sql, readAggregateId(id));
  if (aggregate === null) throw unknown(id);
  return aggregate;
}

export async function createAggregate(request: ApiRequest, name: string, zone: string | null): Promise<Aggregate> {
  return transact(request.app, request.origin, async (tx) => {
    const createdAt = new Date(request.app.clock.now());
    const made = await insertAggregate(tx.sql, { uuid: newUuid(), name, availabilityZone: zone, createdAt });
    if (made === null) throw conflict(`Aggregate ${name} already exists.`);
    tx.event({ action: "compute.aggregate.create", target: target(made), detail: { name, availability_zone: zone } });
    return made;
  });
}

type Changes = { name?: string; zone?: string | null; metadata?: { [key: string]: string | null } };

/** `metadata`: null takes a key away; the key `availability_zone` is the zone. */
export async function updateAggregate(request: ApiRequest, id: string, changes: Changes): Promise<Aggregate> {
  const at = new Date(request.app.clock.now());
  const what = changes.metadata === undefined ? "" : "metadata of ";
  const refuse = (reason: string): CloudError => invalid(`Cannot update ${what}aggregate ${id}. Reason: ${reason}.`);
  return transact(request.app, request.origin, async (tx) => {
    const aggregate = await getLocked(tx, id);
    const changed = applyChanges(aggregate, changes);
    if (changed.availabilityZone === "") throw refuse(emptyZone(aggregate.name));
    if (changes.zone === null) throw refuse(emptyZone(aggregate.name));
    if (changed.name !== aggregate.name && (await isAggregateNamed(tx.sql, changed.name, aggregate.id))) {
      throw conflict(`Aggregate ${changed.name} already exists.`);
    }
    const moves = changed.availabilityZone !== aggregate.availabilityZone;
    if (moves) {
      await lockHosts(tx.sql, aggregate.hosts);
      await checkMove(tx, changed, aggregate.hosts, refuse);
      if (await haveServers(tx.sql, aggregate.hosts)) throw refuse("One or more hosts contain instances in this zone");
    }
    await updateAggregateRow(tx.sql, changed, at);
    if (moves) await settleZones(tx.sql, aggregate.hosts);
    tx.event({
      action: "compute.aggregate.update",
      target: target(aggregate),
      detail: { name: changed.name, availability_zone: changed.availabilityZone },
    });
    return { ...changed, updatedAt: at };
  });
}

function applyChanges(aggregate: Aggregate, { name, zone, metadata = {} }: Changes): Aggregate {
  const { availability_zone: zoneInMetadata, ...others } = metadata;
  const merged = { ...aggregate.metadata, ...others };
  return {
    ...aggregate,
    name: name ?? aggregate.name,
    availabilityZone: zone ?? (zoneInMetadata === undefined ? aggregate.availabilityZone : zoneInMetadata),
    metadata: Object.fromEntries(
      Object.entries(merged).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])),
    ),
  };
}

/** A host is in one zone. */
async function checkMove(
  tx: Transaction,
  aggregate: Aggregate,
  hosts: readonly string[],
  refuse: (reason: string) => CloudError,
): Promise<void> {
  if (aggregate.availabilityZone === null) return;
  const elsewhere = await zonesElsewhere(tx.sql, hosts, aggregate.id);
  const others = elsewhere.filter((zone) => zone !== aggregate.availabilityZone);
  if (others.length > 0) {
    throw refuse(`One or more hosts already in availability zone(s) [${others.map((zone) => `'${zone}'`).join(", ")}]`);
  }
}

export async function removeAggregate(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const aggregate = await getLocked(tx, id);
    if (aggregate.hosts.length > 0) {
      throw invalid(`Cannot remove host from aggregate ${id}. Reason: Host aggregate is not empty.`);
    }
    await deleteAggregateRow(tx.sql, aggregate.id);
    tx.event({ action: "compute.aggregate.delete", target: target(aggregate) });
  });
}

export async function addHost(request: ApiRequest, id: string, host: string): Promise<Aggregate> {
  const refuse = (reason: string): CloudError => conflict(`Cannot add host to aggregate ${id}. Reason: ${reason}.`);
  return transact(request.app, request.origin, async (tx) => {
    const aggregate = await getLocked(tx, id);
    if ((await lockHosts(tx.sql, [host])).length === 0) throw notFound(`Compute host ${host} could not be found.`);
    await checkMove(tx, aggregate, [host], refuse);
    if (!(await insertAggregateHost(tx.sql, aggregate.id, host))) {
      throw conflict(`Aggregate ${id} already has host ${host}.`);
    }
    await settleZones(tx.sql, [host]);
    tx.event({ action: "compute.aggregate.add_host", target: target(aggregate), detail: { host } });
    return { ...aggregate, hosts: [...aggregate.hosts, host].toSorted() };
  });
}

export async function removeHost(request: ApiRequest, id: string, host: string): Promise<Aggregate> {
  return transact(request.app, request.origin, async (tx) => {
    const aggregate = await getLocked(tx, id);
    await lockHosts(tx.sql, [host]);
    if (!(await deleteAggregateHost(tx.sql, aggregate.id, host))) {
      throw notFound(`Cannot remove host ${host} in aggregate ${id}`);
    }
    await settleZones(tx.sql, [host]);
    tx.event({ action: "compute.aggregate.remove_host", target: target(aggregate), detail: { host } });
    return { ...aggregate, hosts: aggregate.hosts.filter((one) => one !== host) };
  });
}
