/** Servers on the wire, by microversion (Compute API, "Servers"). Pure. */
import { type Link, resourceLinks } from "../../../http/links.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { ServerAddress } from "../../network/public.ts";
import { isoMicroseconds, isoTime } from "../common/wire.ts";
import { type Server, type ShownServer, faultOf, hypervisorName, stateOf } from "./server.model.ts";

export type Viewer = Pick<ApiRequest, "baseUrl" | "version"> & { isAdmin: boolean };

/** What is shown of a server beside its row. */
export type ServerExtras = {
  addresses: readonly ServerAddress[];
  securityGroups: readonly string[];
  /** For operators: what the host calls itself, and whether it answers. */
  hypervisorHostname: string | null;
  hostStatus: string;
  /** Opaque name of the host, one per project. */
  hostId: string;
  volumes: readonly { id: string; deleteOnTermination: boolean }[];
  /** The server group it is in. */
  groupId: string | null;
};

export const serverLinks = (viewer: Pick<Viewer, "baseUrl">, id: string): Link[] =>
  resourceLinks(viewer, "/compute", "v2.1", `servers/${id}`);
const bookmark = (viewer: Viewer, path: string): Link[] => [
  { rel: "bookmark", href: `${viewer.baseUrl}/compute/${path}` },
];

export const toServerEntry = (viewer: Viewer, server: Pick<Server, "id" | "name">): object => ({
  id: server.id,
  name: server.name,
  links: serverLinks(viewer, server.id),
});

type Kind = "show" | "detail" | "update" | "rebuild";

/** `show`: the whole of it; `update`, `rebuild`: what those answer before 2.75, a much shorter view. */
export function toServerView(viewer: Viewer, server: ShownServer, extras: ServerExtras, kind: Kind = "detail"): object {
  const { version } = viewer;
  const whole = (kind !== "update" && kind !== "rebuild") || version >= 75;
  return {
    ...toCore(viewer, server, extras, whole),
    ...(whole ? toExtended(viewer, server, extras) : {}),
    ...(whole && viewer.isAdmin ? toOperatorAttributes(server, extras, version, kind) : {}),
    ...(kind === "rebuild" ? toRebuilt(version, server) : {}),
    ...(version >= 16 && viewer.isAdmin && whole ? { host_status: extras.hostStatus } : {}),
    ...(version >= 71 && kind !== "detail" ? { server_groups: extras.groupId === null ? [] : [extras.groupId] } : {}),
    ...toLater(version, server),
  };
}

/** What every view of a server has got since. */
const toLater = (version: number, server: ShownServer): object => ({
  ...(version >= 9 ? { locked: server.lockedBy !== null } : {}),
  ...(version >= 19 ? { description: server.description } : {}),
  ...(version >= 26 ? { tags: server.tags } : {}),
  ...(version >= 63 ? { trusted_image_certificates: null } : {}),
  ...(version >= 73 ? { locked_reason: server.lockedReason } : {}),
});

/** What a rebuild may have set. */
const toRebuilt = (version: number, server: ShownServer): object => ({
  ...(version >= 54 ? { key_name: server.keyName } : {}),
  ...(version >= 57 ? { user_data: server.userData } : {}),
});

function toCore(viewer: Viewer, server: ShownServer, extras: ServerExtras, whole: boolean): object {
  const { status, vmState } = stateOf(server);
  const fault = status === "ERROR" ? toFault(server, viewer.isAdmin) : null;
  return {
    id: server.id,
    name: server.name,
    status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: server.metadata,
    hostId: extras.hostId,
    image: server.imageId === "" ? "" : { id: server.imageId, links: bookmark(viewer, `images/${server.imageId}`) },
    flavor: toFlavor(viewer, server),
    created: isoTime(server.createdAt),
    updated: isoTime(server.updatedAt),
    addresses: vmState === "building" ? {} : toAddresses(extras.addresses, whole),
    accessIPv4: server.accessIpV4 ?? "",
    accessIPv6: server.accessIpV6 ?? "",
    links: serverLinks(viewer, server.id),
    "OS-DCF:diskConfig": server.diskConfig,
    ...(["ACTIVE", "BUILD", "REBOOT", "HARD_REBOOT", "REBUILD", "RESIZE", "VERIFY_RESIZE"].includes(status)
      ? { progress: 0 }
      : {}),
    ...(fault === null ? {} : { fault }),
  };
}

function toExtended(viewer: Viewer, server: ShownServer, extras: ServerExtras): object {
  const { vmState, taskState, powerState } = stateOf(server);
  const { version } = viewer;
  return {
    "OS-EXT-AZ:availability_zone": server.availabilityZone ?? "",
    config_drive: server.configDrive ? "True" : "",
    key_name: server.keyName,
    "OS-SRV-USG:launched_at": server.observedLaunchedAt === null ? null : isoMicroseconds(server.observedLaunchedAt),
    "OS-SRV-USG:terminated_at": null,
    "OS-EXT-STS:task_state": taskState,
    "OS-EXT-STS:vm_state": vmState,
    "OS-EXT-STS:power_state": powerState,
    "os-extended-volumes:volumes_attached": extras.volumes.map((volume) => ({
      id: volume.id,
      ...(version >= 3 ? { delete_on_termination: volume.deleteOnTermination } : {}),
    })),
    ...(extras.securityGroups.length === 0 ? {} : { security_groups: extras.securityGroups.map((name) => ({ name })) }),
    ...(version >= 90 && !viewer.isAdmin ? { "OS-EXT-SRV-ATTR:hostname": server.hostname } : {}),
  };
}

const toOperatorAttributes = (server: ShownServer, extras: ServerExtras, version: number, kind: Kind): object => ({
  "OS-EXT-SRV-ATTR:host": server.host,
  "OS-EXT-SRV-ATTR:instance_name": hypervisorName(server),
  "OS-EXT-SRV-ATTR:hypervisor_hostname": extras.hypervisorHostname,
  ...(version < 3
    ? {}
    : {
        "OS-EXT-SRV-ATTR:hostname": server.hostname,
        "OS-EXT-SRV-ATTR:reservation_id": server.reservationId,
        "OS-EXT-SRV-ATTR:launch_index": server.launchIndex,
        "OS-EXT-SRV-ATTR:kernel_id": "",
        "OS-EXT-SRV-ATTR:ramdisk_id": "",
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        // a rebuild shows it by its plain name
        ...(kind === "rebuild" ? {} : { "OS-EXT-SRV-ATTR:user_data": server.userData }),
      }),
});

function toFlavor(viewer: Viewer, server: ShownServer): object {
  const { flavor } = server;
  if (viewer.version < 47) {
    return { id: server.flavorId, links: bookmark(viewer, `flavors/${encodeURIComponent(server.flavorId)}`) };
  }
  return {
    vcpus: flavor.vcpus,
    ram: flavor.ramMib,
    disk: flavor.diskGib,
    ephemeral: flavor.ephemeralGib,
    swap: flavor.swapMib,
    original_name: flavor.name,
    extra_specs: flavor.extraSpecs,
  };
}

/** Network name -> its addresses, floating ones after their fixed one. Null prototype: a network may be named anything. */
export function toAddresses(addresses: readonly ServerAddress[], whole: boolean): { [network: string]: object[] } {
  const byNetwork = Object.create(null) as { [network: string]: object[] };
  for (const address of addresses) {
    const entries = (byNetwork[address.networkName] ??= []);
    entries.push({
      version: address.version,
      addr: address.address,
      ...(whole ? { "OS-EXT-IPS:type": address.type, "OS-EXT-IPS-MAC:mac_addr": address.macAddress } : {}),
    });
  }
  return byNetwork;
}

function toFault(server: ShownServer, isAdmin: boolean): object | null {
  const message = faultOf(server) ?? (server.observedState === "failed" ? "The server failed on its host." : null);
  if (message === null) return null;
  const code = server.faultCode ?? 500;
  const at = server.faultAt ?? server.observedAt ?? server.updatedAt;
  return { code, created: isoTime(at), message, ...(isAdmin || code !== 500 ? { details: message } : {}) };
}
