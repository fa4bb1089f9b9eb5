import { forbidden, invalid } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { type Network, isUsable, isVisible, networkNotFound } from "../networks/network.model.ts";
import { findNetwork } from "../networks/network.queries.ts";
import { checkPolicy } from "../qos/use-policy.ts";
import { findProject } from "../quotas/quota.queries.ts";
import { reserveQuotas } from "../quotas/reserve-quota.ts";
import { ensureDefaultGroup } from "../security-groups/default-group.ts";
import { type SecurityGroup, securityGroupNotFound } from "../security-groups/security-group.model.ts";
import { lockSecurityGroups } from "../security-groups/security-group.queries.ts";
import type { Subnet } from "../subnets/subnet.model.ts";
import { listSubnetsOfNetwork } from "../subnets/subnet.queries.ts";
import { prepareFixedIps } from "./allocate-fixed-ips.ts";
import type { FixedIpWire } from "./fixed-ips.plan.ts";
import { freeMac } from "./mac.ts";
import { makePort } from "./make-port.ts";
import { type ExtraDhcpOpt, type Port, isOurs, readAddressPairs } from "./port.model.ts";

export type CreatePort = {
  projectId: string;
  networkId: string;
  name: string;
  description: string;
  adminStateUp: boolean;
  macAddress: string | undefined;
  fixedIps: readonly FixedIpWire[] | undefined;
  /** undefined: the project's default group, if the port has port security at all. */
  securityGroups: string[] | undefined;
  allowedAddressPairs: readonly { ip_address: string; mac_address?: string | null }[] | undefined;
  extraDhcpOpts: ExtraDhcpOpt[];
  portSecurityEnabled: boolean | undefined;
  deviceId: string;
  deviceOwner: string;
  dnsName: string;
  qosPolicyId?: string | null;
  hostId: string;
  bindingProfile: Port["bindingProfile"];
  /** Compute's own marks. */
  server?: { serverId: string; deleteWithServer: boolean; deviceTag: string | null };
};

type Loaded = {
  network: Network | null;
  subnets: Subnet[];
  mac: string;
  groups: SecurityGroup[];
  defaultGroup: string | null;
};

/**
 * All of a request's ports or none. First a flight that only reads; then the project's lock, the count, the addresses and
 * the rows in another, so that the lock is held as shortly as can be.
 */
export async function createPorts(tx: Transaction, requester: Requester, wanted: CreatePort[]): Promise<Port[]> {
  const loaded = await Promise.all(wanted.map((one) => load(tx, requester, one)));
  await Promise.all(loaded.map(({ subnets }) => prepareFixedIps(tx.sql, subnets)));
  const reserving = reserveQuotas(
    tx.sql,
    "port",
    wanted.map((one) => one.projectId),
  );
  reserving.catch(() => undefined);
  const made: Port[] = [];
  for (const [index, one] of wanted.entries()) made.push(await createPort(tx, requester, one, loaded[index] as Loaded));
  await reserving;
  return made;
}

async function load(tx: Transaction, requester: Requester, wanted: CreatePort): Promise<Loaded> {
  const [network, subnets, mac, groups, project] = await Promise.all([
    findNetwork(tx.sql, wanted.networkId),
    listSubnetsOfNetwork(tx.sql, wanted.networkId),
    wanted.macAddress ?? freeMac(tx.sql, wanted.networkId),
    wanted.securityGroups === undefined || wanted.securityGroups.length === 0
      ? []
      : lockSecurityGroups(tx.sql, requester, wanted.securityGroups),
    findProject(tx.sql, wanted.projectId),
  ]);
  return { network, subnets, mac, groups, defaultGroup: project?.defaultSecurityGroupId ?? null };
}

async function createPort(
  tx: Transaction,
  requester: Requester,
  wanted: CreatePort,
  { network, subnets, mac, groups, ...loaded }: Loaded,
): Promise<Port> {
  if (network === null || !isVisible(network, requester)) throw networkNotFound(wanted.networkId);
  checkAllowed(requester, network, wanted);
  const qosPolicyId = await checkPolicy(tx, requester, wanted.qosPolicyId ?? null);
  const portSecurityEnabled = wanted.portSecurityEnabled ?? network.portSecurityEnabled;
  checkSecurity(wanted, portSecurityEnabled);
  const missing = wanted.securityGroups?.find((id) => !groups.some((group) => group.id === id));
  if (missing !== undefined) throw securityGroupNotFound(missing);
  const secured = portSecurityEnabled && !wanted.deviceOwner.startsWith("network:");
  const defaultGroup = loaded.defaultGroup ?? (await ensureDefaultGroup(tx, wanted.projectId));
  return makePort(tx, {
    projectId: wanted.projectId,
    network,
    subnets,
    requested: wanted.fixedIps,
    name: wanted.name,
    description: wanted.description,
    adminStateUp: wanted.adminStateUp,
    macAddress: mac,
    deviceId: wanted.deviceId,
    deviceOwner: wanted.deviceOwner,
    securityGroupIds:
      wanted.securityGroups === undefined ? (secured ? [defaultGroup] : []) : [...new Set(wanted.securityGroups)],
    allowedAddressPairs: readAddressPairs(wanted.allowedAddressPairs ?? [], mac),
    extraDhcpOpts: wanted.extraDhcpOpts,
    portSecurityEnabled,
    dnsName: wanted.dnsName,
    qosPolicyId,
    hostId: wanted.hostId,
    bindingProfile: wanted.bindingProfile,
    ...wanted.server,
  });
}

const disallowed = (attribute: string) =>
  forbidden(`(rule:create_port and rule:create_port:${attribute}) is disallowed by policy`, {
    type: "PolicyNotAuthorized",
  });

/** What only a network's owner may choose there, as in Neutron's policy. */
function checkAllowed(requester: Requester, network: Network, wanted: CreatePort): void {
  if (isOurs(wanted.deviceOwner))
    throw invalid(
      `Invalid input for device_owner. Reason: '${wanted.deviceOwner}' ports are made by the cloud itself.`,
    );
  if (requester.admin || network.projectId === requester.projectId) return;
  // an external network is there to be routed to and to take floating IPs from
  if (!isUsable(network, requester)) throw disallowed("network_id");
  if (wanted.macAddress !== undefined) throw disallowed("mac_address");
  if (wanted.portSecurityEnabled !== undefined) throw disallowed("port_security_enabled");
  if ((wanted.allowedAddressPairs ?? []).length > 0) throw disallowed("allowed_address_pairs");
  if (wanted.deviceOwner.startsWith("network:")) throw disallowed("device_owner");
  // a port without an address is one on which no address is checked
  if (wanted.fixedIps?.length === 0) throw disallowed("fixed_ips");
  if (
    (wanted.fixedIps ?? []).some((ip) => ip.ip_address !== undefined && ip.ip_address !== null) &&
    wanted.server === undefined
  ) {
    throw disallowed("fixed_ips:ip_address");
  }
}

function checkSecurity(wanted: CreatePort, portSecurityEnabled: boolean): void {
  if (portSecurityEnabled) return;
  if ((wanted.securityGroups ?? []).length > 0) {
    throw invalid("Port security must be enabled and port must have an IP address in order to use security groups.", {
      type: "PortSecurityAndIPRequiredForSecurityGroups",
    });
  }
  if ((wanted.allowedAddressPairs ?? []).length > 0) {
    throw invalid("Port Security must be enabled in order to have allowed address pairs on a port.", {
      type: "AddressPairAndPortSecurityRequired",
      status: 409,
    });
  }
}
