/** A port that carries other networks' ports as VLANs: the guest sees one link. Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { toInteger, toTime } from "../common/wire.ts";
import type { Port } from "../ports/port.model.ts";

export type SubPort = { portId: string; segmentationType: "vlan"; segmentationId: number };
export type Trunk = {
  id: string;
  projectId: string;
  name: string;
  description: string;
  adminStateUp: boolean;
  portId: string;
  subPorts: SubPort[];
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
  status: string;
};
export type SubPortWire = { port_id: string; segmentation_type?: string; segmentation_id?: number | string };

/** Whose a subport is while it is one. */
export const SUBPORT_OWNER = "trunk:subport";

export const trunkNotFound = (id: string): CloudError =>
  notFound(`Trunk ${id} could not be found.`, { type: "TrunkNotFound" });
export const subPortNotFound = (trunkId: string, portId: string): CloudError =>
  notFound(`SubPort ${portId} on trunk ${trunkId} could not be found.`, { type: "SubPortNotFound" });
export const trunkDisabled = (id: string): CloudError =>
  conflict(`Trunk ${id} is currently disabled.`, { type: "TrunkDisabled" });
export const portIsParent = (portId: string, trunkId: string): CloudError =>
  conflict(`Port ${portId} is currently a parent port for trunk ${trunkId}.`, { type: "PortInUseAsTrunkParent" });
export const portIsSubPort = (portId: string, trunkId: string): CloudError =>
  conflict(`Port ${portId} is currently a subport for trunk ${trunkId}.`, { type: "PortInUseAsSubPort" });

/** Each with its VLAN, no port and no VLAN twice. */
export function readSubPorts(given: readonly SubPortWire[]): SubPort[] {
  const subPorts = given.map((wire): SubPort => {
    if ((wire.segmentation_type ?? "vlan") !== "vlan")
      throw invalid(`Invalid input for operation: Segmentation type '${wire.segmentation_type}' is not supported.`);
    if (wire.segmentation_id === undefined)
      throw invalid("Invalid input for operation: Invalid subport details: missing segmentation_id.");
    const segmentationId = toInteger(wire.segmentation_id, "segmentation_id", 1, 4094);
    return { portId: wire.port_id, segmentationType: "vlan", segmentationId };
  });
  if (new Set(subPorts.map((one) => one.portId)).size < subPorts.length)
    throw invalid("Invalid input for operation: Invalid subports: a port is named twice.");
  return subPorts;
}

export function checkVlans(trunkId: string, held: readonly SubPort[], added: readonly SubPort[]): void {
  const taken = new Set(held.map((one) => one.segmentationId));
  for (const { segmentationId } of added) {
    if (taken.has(segmentationId)) {
      throw conflict(
        `segmentation_type vlan and segmentation_id ${segmentationId} already in use on trunk ${trunkId}.`,
        { type: "DuplicateSubPort" },
      );
    }
    taken.add(segmentationId);
  }
}

/** A subport is used by nobody else. */
export function checkUnused(port: Pick<Port, "id" | "deviceId" | "deviceOwner" | "serverId" | "hostId">): void {
  if (port.deviceId === "" && port.deviceOwner === "" && port.serverId === null && port.hostId === "") return;
  throw conflict(`Port ${port.id} is currently in use.`, { type: "PortInUse" });
}

export const tooBig = (port: { id: string; mtu: number }, trunkId: string, mtu: number): CloudError =>
  conflict(`MTU ${port.mtu} of subport ${port.id} cannot be greater than MTU ${mtu} of trunk ${trunkId}.`, {
    type: "SubPortMtuGreaterThanTrunkPortMtu",
  });

export const toSubPortView = (one: SubPort) => ({
  port_id: one.portId,
  segmentation_type: one.segmentationType,
  segmentation_id: one.segmentationId,
});
export const toTrunkView = (trunk: Trunk) => ({
  id: trunk.id,
  name: trunk.name,
  tenant_id: trunk.projectId,
  project_id: trunk.projectId,
  description: trunk.description,
  admin_state_up: trunk.adminStateUp,
  status: trunk.status,
  port_id: trunk.portId,
  sub_ports: trunk.subPorts.map(toSubPortView),
  tags: trunk.tags,
  created_at: toTime(trunk.createdAt),
  updated_at: toTime(trunk.updatedAt),
  revision_number: trunk.revisionNumber,
});
