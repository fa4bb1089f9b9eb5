/** Services, pools and hosts, as operators ask for them. */
import { invalid, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { findType } from "../types/type.queries.ts";
import { capabilitiesOf, satisfies } from "./capabilities.ts";
import type { VolumeHost } from "./host.model.ts";
import { listVolumeHosts, listZones, promisedByPool, setVolumeHost, usageOfPools } from "./host.queries.ts";

export type VolumeServiceRow = { binary: string; host: string; name: string; entry: VolumeHost; pool: string | null };

/** One `cinder-volume` a host and pool, and the scheduler and backups that run in this very program. */
export async function readServices(request: ApiRequest): Promise<VolumeServiceRow[]> {
  const hosts = await listVolumeHosts(request.app.db);
  const keepers = hosts.flatMap((entry) =>
    entry.observedPools.map((pool) => ({
      binary: "cinder-volume",
      host: `${entry.name}@${pool.name}`,
      name: entry.name,
      entry,
      pool: pool.name,
    })),
  );
  const [first] = hosts;
  const own =
    first === undefined ? [] : ["cinder-scheduler", "cinder-backup"].map((binary) => ownService(request, binary));
  const [binary, host] = [request.query.get("binary"), request.query.get("host")];
  return [...own, ...keepers].filter(
    (one) =>
      (binary === undefined || one.binary === binary) &&
      (host === undefined || one.host === host.split("#")[0] || one.name === host),
  );
}

/** It answers, so it is up. */
function ownService(request: ApiRequest, binary: string): VolumeServiceRow {
  const now = new Date(request.app.clock.now());
  const { instance } = request.app.config;
  const entry: VolumeHost = {
    name: instance,
    serviceId: instance,
    availabilityZone: "nova",
    disabled: false,
    disabledReason: null,
    frozen: false,
    createdAt: now,
    updatedAt: now,
    observedPools: [],
    observedAt: now,
    observedLostAt: null,
  };
  return { binary, host: instance, name: instance, entry, pool: null };
}

export async function changeService(
  request: ApiRequest,
  host: string,
  change: { disabled?: boolean; reason?: string | null; frozen?: boolean },
): Promise<void> {
  const { app } = request;
  const name = host.split(/[@#]/, 1)[0] ?? "";
  await transact(app, request.origin, async (tx) => {
    if (!(await setVolumeHost(tx.sql, name, change, new Date(app.clock.now())))) {
      throw notFound(`Service ${host} could not be found.`.slice(0, 400));
    }
    const target = { type: "host", id: name };
    if (change.frozen !== undefined)
      tx.event({ action: change.frozen ? "volume.host.freeze" : "volume.host.thaw", target });
    else tx.event({ action: change.disabled === true ? "volume.host.disable" : "volume.host.enable", target });
  });
}

export type PoolRow = { name: string; pool: string; capabilities: { [name: string]: unknown }; at: Date | null };

/** Each pool once, however many hosts reach it: it is named after the first. */
export async function readPools(request: ApiRequest): Promise<PoolRow[]> {
  const { db } = request.app;
  const [hosts, promised] = await Promise.all([listVolumeHosts(db), promisedByPool(db)]);
  const found = new Map<string, PoolRow>();
  for (const host of hosts) {
    for (const pool of host.observedPools) {
      if (found.has(pool.name)) continue;
      const capabilities = capabilitiesOf(pool, promised[pool.name] ?? 0);
      found.set(pool.name, {
        name: `${host.name}@${pool.name}#${pool.name}`,
        pool: pool.name,
        capabilities,
        at: host.observedAt,
      });
    }
  }
  const name = request.version >= 28 ? request.query.get("name") : undefined;
  const typeName = request.version >= 35 ? request.query.get("volume-type") : undefined;
  const type = typeName === undefined ? undefined : await findType(db, typeName, null, true);
  return [...found.values()].filter(
    (one) =>
      (name === undefined || one.name === name) &&
      (type === undefined || (type !== null && satisfies(one.capabilities as never, type.extraSpecs))),
  );
}

export async function readCapabilities(request: ApiRequest, host: string): Promise<PoolRow> {
  const pools = await readPools(request);
  const found = pools.find(
    (one) => one.name === host || one.name.split("#")[0] === host || one.name.split("@")[0] === host,
  );
  if (found === undefined) throw notFound(`Service ${host} could not be found.`.slice(0, 400));
  return found;
}

export async function readZones(request: ApiRequest): Promise<{ zone: string; available: boolean }[]> {
  const zones = await listZones(request.app.db);
  return zones.length === 0 ? [{ zone: "nova", available: true }] : zones;
}

export async function readHostUsage(request: ApiRequest, host: string) {
  const [name = ""] = host.split(/[@#]/, 1);
  const entry = (await listVolumeHosts(request.app.db)).find((one) => one.name === name);
  const isOwn = host === request.app.config.instance;
  if (entry === undefined && !isOwn) throw notFound(`Host ${host} could not be found.`.slice(0, 400));
  return usageOfPools(request.app.db, entry?.observedPools.map((pool) => pool.name) ?? []);
}

export function hostNamed(body: { host?: string }): string {
  if (body.host === undefined || body.host === "") throw invalid("Missing required element 'host' in request body.");
  return body.host;
}
