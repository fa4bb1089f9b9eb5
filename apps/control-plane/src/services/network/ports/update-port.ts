import { conflict, forbidden, invalid } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { clearFloatingIps } from "../floating-ips/clear-floating-ips.ts";
import { findNetwork } from "../networks/network.queries.ts";
import { changePolicy } from "../qos/use-policy.ts";
import { securityGroupNotFound } from "../security-groups/security-group.model.ts";
import { lockSecurityGroups } from "../security-groups/security-group.queries.ts";
import { type Subnet, isAutoAddressed } from "../subnets/subnet.model.ts";
import { listSubnetsOfNetwork } from "../subnets/subnet.queries.ts";
import { SUBPORT_OWNER } from "../trunks/trunk.model.ts";
import { takeFixedIps } from "./allocate-fixed-ips.ts";
import { type FixedIpWire, planFixedIps } from "./fixed-ips.plan.ts";
import { freeMac } from "./mac.ts";
import { releaseAddresses } from "./ip-allocation.queries.ts";
import { type FixedIp, OWNER, type Port, isOurs, portNotFound, readAddressPairs, readDhcpOpts } from "./port.model.ts";
import { type PortChange, lockVisiblePort, updatePortRow } from "./port.queries.ts";

/** undefined: stays as it is. */
export type UpdatePort = Partial<
  Pick<
    Port,
    | "name"
    | "description"
    | "adminStateUp"
    | "deviceId"
    | "deviceOwner"
    | "portSecurityEnabled"
    | "dnsName"
    | "hostId"
    | "bindingProfile"
  >
> & {
  /** Or `ANOTHER_MAC`. */
  macAddress?: string;
  fixedIps?: readonly FixedIpWire[];
  securityGroups?: string[];
  qosPolicyId?: string | null;
  allowedAddressPairs?: readonly { ip_address: string; mac_address?: string | null }[];
  extraDhcpOpts?: readonly { opt_name: string; opt_value: string | null; ip_version?: number | string }[];
};

/** Instead of a MAC address: one that nobody has. */
export const ANOTHER_MAC = "another";

export async function updatePort(tx: Transaction, requester: Requester, id: string, wanted: UpdatePort): Promise<Port> {
  const groups = wanted.securityGroups ?? [];
  // groups before ports: the order of locks
  const locked = groups.length === 0 ? [] : await lockSecurityGroups(tx.sql, requester, groups);
  const port = await lockVisiblePort(tx.sql, requester, id);
  if (port === null) throw portNotFound(id);
  checkAllowed(requester, port, wanted);
  await checkOnForeignNetwork(tx, requester, port, wanted);
  const missing = groups.find((group) => !locked.some((one) => one.id === group));
  if (missing !== undefined) throw securityGroupNotFound(missing);
  const { macAddress: named = port.macAddress } = wanted;
  const macAddress = named === ANOTHER_MAC ? await freeMac(tx.sql, port.networkId) : named;
  const change: PortChange = {
    ...port,
    ...definedOnly(wanted),
    macAddress,
    qosPolicyId: await changePolicy(tx, requester, port.qosPolicyId, wanted.qosPolicyId),
    fixedIps: await moveAddresses(tx, port, macAddress, wanted.fixedIps),
    securityGroupIds: wanted.securityGroups === undefined ? port.securityGroupIds : [...new Set(wanted.securityGroups)],
    allowedAddressPairs:
      wanted.allowedAddressPairs === undefined
        ? port.allowedAddressPairs
        : readAddressPairs(wanted.allowedAddressPairs, macAddress),
    extraDhcpOpts:
      wanted.extraDhcpOpts === undefined ? port.extraDhcpOpts : readDhcpOpts(wanted.extraDhcpOpts, port.extraDhcpOpts),
  };
  checkSecurity(change);
  const changed = await updatePortRow(tx.sql, id, change);
  tx.event({
    action: "network.port.update",
    target: { type: "port", id, projectId: port.projectId === "" ? port.networkProjectId : port.projectId },
  });
  tx.enqueue(`port/${id}`);
  if (port.deviceOwner === OWNER.routerInterface || port.deviceOwner === OWNER.routerGateway)
    tx.enqueue(`router/${port.deviceId}`);
  if (port.serverId !== null) tx.enqueue(`server/${port.serverId}`);
  return changed;
}

type Simple =
  | "name"
  | "description"
  | "adminStateUp"
  | "deviceId"
  | "deviceOwner"
  | "portSecurityEnabled"
  | "dnsName"
  | "hostId"
  | "bindingProfile";
const SIMPLE: readonly Simple[] = [
  "name",
  "description",
  "adminStateUp",
  "deviceId",
  "deviceOwner",
  "portSecurityEnabled",
  "dnsName",
  "hostId",
  "bindingProfile",
];
const definedOnly = (wanted: UpdatePort): Partial<Pick<Port, Simple>> =>
  Object.fromEntries(SIMPLE.flatMap((key) => (wanted[key] === undefined ? [] : [[key, wanted[key]]])));

function checkAllowed(requester: Requester, port: Port, wanted: UpdatePort): void {
  if (!requester.admin && port.projectId !== requester.projectId) {
    throw forbidden("rule:update_port is disallowed by policy", { type: "PolicyNotAuthorized" });
  }
  checkDevice(requester, port, wanted);
  checkMac(port, wanted);
}

function checkDevice(requester: Requester, port: Port, wanted: UpdatePort): void {
  const { deviceId = port.deviceId, deviceOwner = port.deviceOwner } = wanted;
  if (deviceId === port.deviceId && deviceOwner === port.deviceOwner) return;
  if (port.serverId !== null)
    throw conflict(`Port ${port.id} is attached to server ${port.serverId}: detach it there.`, { type: "PortInUse" });
  if (port.deviceOwner === SUBPORT_OWNER)
    throw conflict(`Port ${port.id} is currently a subport: take it out of its trunk.`, { type: "PortInUseAsSubPort" });
  if (isOurs(port.deviceOwner) || isOurs(deviceOwner)) {
    throw invalid(`Invalid input for device_owner. Reason: '${deviceOwner}' ports are managed by the cloud itself.`);
  }
  const mayServe = requester.admin || port.networkProjectId === requester.projectId;
  if (deviceOwner.startsWith("network:") && !mayServe) {
    throw forbidden("(rule:update_port and rule:update_port:device_owner) is disallowed by policy", {
      type: "PolicyNotAuthorized",
    });
  }
}

function checkMac(port: Port, { macAddress = port.macAddress, fixedIps }: UpdatePort): void {
  const moved = macAddress !== port.macAddress;
  if (moved && port.hostId !== "") {
    throw conflict(
      `Unable to complete operation on port ${port.id}, port is already bound, port type: ovs, old_mac ${port.macAddress}, new_mac ${macAddress}.`,
      { type: "PortBound" },
    );
  }
  if (
    (moved || fixedIps !== undefined) &&
    (port.deviceOwner === OWNER.floatingIp || port.deviceOwner === OWNER.distributed)
  ) {
    throw invalid(`Invalid input for fixed_ips. Reason: '${port.deviceOwner}' ports are managed by the cloud itself.`);
  }
}

/** Which attributes, of those that only a network's owner chooses, the request would change. */
function ownersChoices(port: Port, wanted: UpdatePort): string[] {
  return [
    ...(wanted.portSecurityEnabled === undefined ? [] : ["port_security_enabled"]),
    ...((wanted.allowedAddressPairs ?? []).length === 0 ? [] : ["allowed_address_pairs"]),
    ...((wanted.macAddress ?? port.macAddress) === port.macAddress ? [] : ["mac_address"]),
    ...((wanted.fixedIps ?? []).some((ip) => isNew(port, ip)) && port.deviceOwner !== OWNER.routerInterface
      ? ["fixed_ips:ip_address"]
      : []),
    // a port without an address is one on which no address is checked
    ...(wanted.fixedIps?.length === 0 ? ["fixed_ips"] : []),
  ];
}

/** On somebody else's network a tenant chooses neither addresses nor whether they are checked. */
async function checkOnForeignNetwork(
  tx: Transaction,
  requester: Requester,
  port: Port,
  wanted: UpdatePort,
): Promise<void> {
  if (requester.admin || port.networkProjectId === requester.projectId) return;
  const [first] = ownersChoices(port, wanted);
  if (first !== undefined) {
    const network = await findNetwork(tx.sql, port.networkId);
    throw forbidden(
      `(rule:update_port and rule:update_port:${first}) is disallowed by policy on network ${network?.name ?? port.networkId}`,
      {
        type: "PolicyNotAuthorized",
      },
    );
  }
}

const isNew = (port: Port, ip: FixedIpWire): boolean =>
  ip.ip_address !== undefined &&
  ip.ip_address !== null &&
  !port.fixedIps.some((held) => held.ip_address === ip.ip_address);

function checkSecurity(change: PortChange): void {
  if (change.portSecurityEnabled) return;
  if (change.securityGroupIds.length > 0) {
    throw conflict(
      "Port has security group associated. Cannot disable port security or IP address until security group is removed.",
      {
        type: "PortSecurityPortHasSecurityGroup",
      },
    );
  }
  if (change.allowedAddressPairs.length > 0) {
    throw conflict("Port Security must be enabled in order to have allowed address pairs on a port.", {
      type: "AddressPairAndPortSecurityRequired",
    });
  }
}

/** Takes what is new and gives back what is no longer wanted; floating IPs on an address that goes are taken off it. */
async function moveAddresses(
  tx: Transaction,
  port: Port,
  mac: string,
  wanted: readonly FixedIpWire[] | undefined,
): Promise<FixedIp[]> {
  if (wanted === undefined && mac === port.macAddress) return port.fixedIps;
  const subnets = await listSubnetsOfNetwork(tx.sql, port.networkId);
  const wishes = planFixedIps({
    networkId: port.networkId,
    subnets,
    mac,
    isRouterPort: port.deviceOwner === OWNER.routerInterface || port.deviceOwner === OWNER.routerGateway,
    deviceOwner: port.deviceOwner,
    requested: wanted ?? keptUnder(port, subnets),
    held: port.fixedIps,
  });
  const kept = new Set(wishes.flatMap((wish) => (wish.kind === "held" ? [wish.ip.ip_address] : [])));
  const leaving = port.fixedIps.map((ip) => ip.ip_address).filter((address) => !kept.has(address));
  const fixedIps = await takeFixedIps(tx.sql, port.networkId, port.id, wishes);
  if (leaving.length > 0) {
    await releaseAddresses(tx.sql, port.id, leaving);
    await clearFloatingIps(tx, port.id, leaving);
  }
  return fixedIps;
}

/** With another MAC address, the addresses made from it change and the others stay. */
function keptUnder(port: Port, subnets: Subnet[]): FixedIpWire[] {
  const auto = new Set(subnets.filter(isAutoAddressed).map((subnet) => subnet.id));
  return port.fixedIps.filter((ip) => !auto.has(ip.subnet_id));
}
