/** A new server: quota, room, rows, ports, event and queue key in ONE transaction. What follows is the reconciler's. */
import { randomBytes } from "node:crypto";

import { CloudError, conflict, forbidden, invalid, overQuota } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { type BootImage, imageForBoot, readVisibleImage } from "../../image/public.ts";
import { type RequestedNetworks, createServerPorts } from "../../network/public.ts";
import { insertAction } from "../actions/action.queries.ts";
import { asksAsAdmin, projectOf } from "../common/actor.ts";
import type { Flavor } from "../flavors/flavor.model.ts";
import { findFlavor } from "../flavors/flavor.queries.ts";
import { listCapacities, listZones } from "../hosts/host.queries.ts";
import type { Keypair } from "../keypairs/keypair.model.ts";
import { findKeypair } from "../keypairs/keypair.queries.ts";
import { type Demand, type HostCapacity, withMemberOn } from "../placement/choose-host.ts";
import { claimBestHost, groupHintOf, toDemand } from "../placement/place-server.ts";
import { countUserUsage, findUserQuota, lockUsage, takeUsage } from "../quotas/project.queries.ts";
import { type Quota, type QuotaOverrides, quotaOf, refuseOverQuota, serversThatFit } from "../quotas/quota.model.ts";
import { countGroupMembers, insertServerGroupMember } from "../server-groups/server-group.queries.ts";
import { devicesOfImage } from "../snapshots/volume-image.ts";
import { type Device, settleBlockDevices } from "../volumes/block-device.model.ts";
import { type NewDisk, addDisks, checkSources } from "../volumes/create-disks.ts";
import { type FlavorCopy, toHostname } from "./server.model.ts";
import { type NewServer, insertServer } from "./server.queries.ts";

/** What a request asks for, in our own words. */
export type CreateServer = {
  name: string;
  hostname: string | null;
  description: string | null;
  /** Its disks; `imageId` "": it boots from one of them. */
  imageId: string;
  devices: readonly Device[];
  flavorId: string;
  networks: RequestedNetworks;
  securityGroups: string[];
  keyName: string | null;
  metadata: { [key: string]: string };
  tags: string[];
  accessIpV4: string | null;
  accessIpV6: string | null;
  adminPassword: string;
  userData: string | null;
  configDrive: boolean;
  diskConfig: "AUTO" | "MANUAL";
  zone: string | null;
  host: string | null;
  hints: { [hint: string]: unknown };
  minCount: number;
  maxCount: number;
};

export type CreatedServers = { ids: string[]; reservationId: string };

export async function createServers(request: ApiRequest, wanted: CreateServer): Promise<CreatedServers> {
  const { app } = request;
  const projectId = projectOf(request);
  checkCounts(wanted);
  const found = await lookUp(request, wanted, projectId);
  const flavor = toFlavorCopy(found.flavor);
  if (found.image !== null) checkImage(found.image, flavor);
  const { disks } = settleBlockDevices(disksOf(wanted, found), flavor);
  for (const image of await checkSources(request, projectId, disks, wanted.maxCount)) checkMemory(image, flavor);
  return transact(app, request.origin, async (tx) => {
    const wish = { zone: wanted.zone, host: wanted.host, hints: wanted.hints, projectId };
    // a root disk that is a volume is not the host's
    let demand = await toDemand(tx.sql, found.image === null ? { ...flavor, diskGib: 0 } : flavor, wish);
    const groupId = checkGroupIsThere(wanted, demand);
    // sent together, done in this order; whoever else makes servers in the project waits for us from here on, so what
    // follows is few flights. The first server may be placed by what was read before; the others see what it took.
    // No room: the reconciler says so.
    const [usage, firstRoom] = await Promise.all([
      lockUsage(tx.sql, projectId),
      claimBestHost(tx.sql, demand, found.hosts),
    ]);
    const quota = quotaOf(usage.quota);
    checkMetadata(quota, wanted.metadata);
    await checkGroupRoom(tx, quota, groupId, wanted.maxCount);
    const each = { cores: flavor.vcpus, ramMib: flavor.ramMib };
    const count = serversThatFit(quota, usage, each, wanted.maxCount);
    if (count < wanted.minCount) refuseOverQuota(quota, usage, each, wanted.minCount);
    if (found.userQuota !== null) await checkUserQuota(request, tx, { ...quota, ...found.userQuota }, each, count);
    const taking = takeUsage(tx.sql, projectId, {
      servers: count,
      cores: count * each.cores,
      ramMib: count * each.ramMib,
    });
    taking.catch(() => undefined); // awaited below, unless something else fails first
    const reservationId = `r-${randomBytes(4).toString("hex")}`;
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const room = index === 0 ? firstRoom : await claimBestHost(tx.sql, demand);
      const row = await toRow(request, tx, { wanted, found, flavor, projectId, reservationId, index, count, room });
      await addServer(request, tx, row, wanted, disks);
      if (groupId !== null) await insertServerGroupMember(tx.sql, groupId, row.id);
      if (room !== null) demand = withMemberOn(demand, room.host);
      ids.push(row.id);
    }
    await taking;
    return { ids, reservationId };
  });
}

/** A user may have limits of their own within the project's. */
async function checkUserQuota(
  request: ApiRequest,
  tx: Transaction,
  quota: Quota,
  each: { cores: number; ramMib: number },
  count: number,
): Promise<void> {
  const used = await countUserUsage(tx.sql, projectOf(request), request.actor.userId);
  if (serversThatFit(quota, used, each, count) < count) refuseOverQuota(quota, used, each, count);
}

type Found = {
  flavor: Flavor;
  image: BootImage | null;
  devices: Device[] | null;
  keypair: Keypair | null;
  hosts: HostCapacity[];
  userQuota: QuotaOverrides | null;
};

/** Everything the request names, in one flight. Nothing here is a lock: a flavor that goes a moment later was there when asked for. */
async function lookUp(request: ApiRequest, wanted: CreateServer, projectId: string): Promise<Found> {
  const { app, actor } = request;
  const { db } = app;
  const [flavor, source, keypair, zones, hosts, userQuota] = await Promise.all([
    findFlavor(db, wanted.flavorId, asksAsAdmin(request) ? null : projectId),
    wanted.imageId === "" ? { image: null, devices: null } : findBootSource(request, wanted.imageId),
    wanted.keyName === null ? null : findKeypair(db, actor.userId, wanted.keyName),
    wanted.zone === null ? [] : listZones(db),
    listCapacities(db),
    findUserQuota(db, projectId, actor.userId),
  ]);
  if (flavor === null || flavor.disabled) throw invalid(`Flavor ${wanted.flavorId} could not be found.`);
  if (wanted.keyName !== null && keypair === null) throw invalid("Invalid key_name provided.");
  if (wanted.zone !== null && !zones.some(({ zone, available }) => zone === wanted.zone && available)) {
    throw invalid("The requested availability zone is not available");
  }
  checkHost(wanted.host, hosts);
  return { flavor, ...source, keypair, hosts, userQuota };
}

/** A host that an operator asks for by name must be one (microversion 2.74); whether it has room is seen later. */
function checkHost(wanted: string | null, hosts: readonly HostCapacity[]): void {
  if (wanted === null || hosts.some(({ name, hypervisorHostname }) => name === wanted || hypervisorHostname === wanted))
    return;
  throw invalid(`Compute host ${wanted} could not be found.`);
}

/** An image to make the root disk of, or one that is nothing but a list of disks. */
async function findBootSource(
  request: ApiRequest,
  imageId: string,
): Promise<{ image: BootImage | null; devices: Device[] | null }> {
  const { db } = request.app;
  try {
    const image = await imageForBoot(db, request, imageId);
    const devices = devicesOfImage(image.properties);
    return devices === null ? { image, devices } : { image: null, devices };
  } catch (error) {
    const bare =
      error instanceof CloudError && error.kind === "invalid" ? await readVisibleImage(db, request, imageId) : null;
    const devices = bare?.status === "active" ? devicesOfImage(bare.properties) : null;
    if (devices !== null) return { image: null, devices };
    return refuseImage(error, imageId);
  }
}

/** What the image asks for takes the place of the disk that would have been made of it. */
const disksOf = (wanted: CreateServer, found: Found): { imageId: string; devices: readonly Device[] } =>
  found.devices === null
    ? wanted
    : { imageId: "", devices: [...found.devices, ...wanted.devices.filter((device) => device.isImageRoot !== true)] };

/** An image that is not there is the request's fault here, not the URL's. */
export function refuseImage(error: unknown, imageId: string): never {
  if ((error as { kind?: unknown }).kind === "notFound")
    throw invalid(`Can not find requested image ${imageId}`, { cause: error });
  throw error;
}

export const toFlavorCopy = (flavor: Flavor): FlavorCopy => ({
  name: flavor.name,
  vcpus: flavor.vcpus,
  ramMib: flavor.ramMib,
  diskGib: flavor.diskGib,
  ephemeralGib: flavor.ephemeralGib,
  swapMib: flavor.swapMib,
  extraSpecs: flavor.extraSpecs,
});

function checkCounts({ minCount, maxCount, networks }: CreateServer): void {
  if (minCount > maxCount) throw invalid("min_count must be <= max_count");
  if (maxCount <= 1 || typeof networks === "string") return;
  if (networks.some((nic) => "portId" in nic)) {
    throw invalid(
      "Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.",
    );
  }
  if (networks.some((nic) => "fixedIp" in nic && nic.fixedIp !== undefined)) {
    throw invalid("Invalid fixed IP: unable to launch multiple instances with a single fixed IP.");
  }
}

const GIB = 1024 ** 3;

export function checkImage(image: BootImage, flavor: FlavorCopy): void {
  checkMemory(image, flavor);
  // a flavor without a disk of its own takes the image's size
  if (flavor.diskGib === 0) return;
  const smallest = Math.max(image.virtualSizeBytes, image.minDisk * GIB);
  if (flavor.diskGib * GIB < smallest) {
    throw invalid(
      `Flavor's disk is too small for requested image. Flavor disk is ${flavor.diskGib * GIB} bytes, minimum size is ${smallest} bytes.`,
    );
  }
}

export function checkMemory(image: BootImage, flavor: FlavorCopy): void {
  if (flavor.ramMib < image.minRam) throw invalid("Flavor's memory is too small for requested image.");
}

function checkMetadata(quota: Quota, metadata: { [key: string]: string }): void {
  const { metadata_items: limit } = quota;
  if (limit >= 0 && Object.keys(metadata).length > limit)
    throw forbidden(`Maximum number of metadata items exceeds ${limit}`);
}

/** The hint's group, which `toDemand` holds by now. */
function checkGroupIsThere(wanted: CreateServer, demand: Demand): string | null {
  const id = groupHintOf(wanted.hints);
  if (id !== null && demand.group === null) throw invalid(`Instance group ${id} could not be found.`);
  return id;
}

async function checkGroupRoom(tx: Transaction, quota: Quota, groupId: string | null, count: number): Promise<void> {
  const limit = quota.server_group_members;
  if (groupId === null || limit < 0) return;
  const members = await countGroupMembers(tx.sql, groupId, null);
  const used = members.reduce((sum, { servers }) => sum + servers, 0);
  if (used + count > limit) throw overQuota("Quota exceeded, too many servers in group");
}

type RowInput = {
  wanted: CreateServer;
  found: Found;
  flavor: FlavorCopy;
  projectId: string;
  reservationId: string;
  index: number;
  count: number;
  room: { host: string; zone: string } | null;
};

const toImageColumns = (image: BootImage | null): Pick<NewServer, "imageId" | "image"> =>
  image === null
    ? { imageId: "", image: null }
    : { imageId: image.id, image: { sha512: image.sha512, format: image.format, sizeBytes: image.sizeBytes } };

const toKeyColumns = (keypair: Keypair | null): Pick<NewServer, "keyName" | "keyType" | "publicKey"> => ({
  keyName: keypair?.name ?? null,
  keyType: keypair?.type ?? null,
  publicKey: keypair?.publicKey ?? null,
});

async function toRow(request: ApiRequest, tx: Transaction, input: RowInput): Promise<NewServer> {
  const { wanted, found, flavor, projectId, index, count, room } = input;
  const id = newUuid();
  const several = count > 1 ? `-${index + 1}` : "";
  const name = `${wanted.name}${several}`;
  // a password in the open stays with whoever asked; only a config drive carries it to the guest
  const adminPassword = wanted.configDrive
    ? await request.app.keys.wrapForProject(
        tx.sql,
        projectId,
        Buffer.from(wanted.adminPassword),
        `server-password/${id}`,
      )
    : null;
  return {
    id,
    projectId,
    userId: request.actor.userId,
    name,
    hostname: wanted.hostname === null ? toHostname(name, id) : `${wanted.hostname}${several}`,
    description: request.version >= 19 ? wanted.description : name,
    flavorId: found.flavor.id,
    flavor,
    ...toImageColumns(found.image),
    ...toKeyColumns(found.keypair),
    accessIpV4: wanted.accessIpV4,
    accessIpV6: wanted.accessIpV6,
    configDrive: wanted.configDrive,
    diskConfig: wanted.diskConfig,
    userData: wanted.userData,
    metadata: wanted.metadata,
    tags: wanted.tags,
    adminPassword,
    seed: randomBytes(32).toString("hex"),
    wantedZone: wanted.zone,
    wantedHost: wanted.host,
    schedulerHints: wanted.hints,
    reservationId: input.reservationId,
    launchIndex: index,
    powerNonce: newUuid(),
    host: room?.host ?? null,
    availabilityZone: room?.zone ?? null,
  };
}

async function addServer(
  request: ApiRequest,
  tx: Transaction,
  row: NewServer,
  wanted: CreateServer,
  disks: readonly NewDisk[],
): Promise<void> {
  const at = new Date(request.app.clock.now());
  const action = {
    serverId: row.id,
    projectId: row.projectId,
    userId: row.userId,
    actorProjectId: request.actor.projectId,
    requestId: request.requestId,
    action: "create",
  };
  const rows = Promise.all([insertServer(tx.sql, row, at), insertAction(tx.sql, action, at)]);
  if (disks.length > 0) {
    // volumes are locked after the server, and before what is the network's
    await rows;
    await addDisks(request, tx, row, disks);
  }
  const [, ports] = await Promise.all([
    rows,
    createServerPorts(tx, {
      serverId: row.id,
      projectId: row.projectId,
      isAdmin: asksAsAdmin(request),
      requested: wanted.networks,
      securityGroups: wanted.securityGroups,
      availabilityZone: row.availabilityZone ?? row.wantedZone ?? "nova",
      hostname: row.hostname,
      ...(row.host === null ? {} : { host: row.host }),
    }),
  ]);
  if (ports.length > 24) throw conflict("A server cannot have more than 24 interfaces.");
  tx.event({
    action: "compute.server.create",
    target: { type: "server", id: row.id, projectId: row.projectId },
    detail: { name: row.name, flavor: row.flavorId, image: row.imageId },
  });
  tx.enqueue(`server/${row.id}`);
}
