/** port -> Logical_Switch_Port, its membership in port groups, its DHCP options and its DNS names. */
import { unavailable } from "@andromede/base/errors";
import type { RowWrite } from "@andromede/ovsdb/types";

import { reverseName } from "../ovn/addresses.ts";
import type { ExtraDhcpOption } from "../ovn/dhcp-options.ts";
import { type Draft, type Ref, writeOvn } from "../ovn/draft.ts";
import {
  DROP_GROUP,
  EXTRA_DHCP,
  GROUPS,
  NAME,
  NETWORK,
  SUBNETS,
  marks,
  portGroupName,
  switchName,
} from "../ovn/names.ts";
import { type OvnNorthbound, type Row, type Tables, indexKey } from "../ovn/northbound.ts";
import { type OvnQosRule, qosRows, removeQos, writeQos } from "../qos/qos.ovn.ts";
import { findOrMakeDropGroup, findOrMakeGroup } from "../security-groups/security-group.ovn.ts";
import { tieDhcp } from "../subnets/port-dhcp.ovn.ts";

/** What OVN must know of a port that is not a router's. */
export type OvnPort = {
  readonly id: string;
  readonly networkId: string;
  readonly name: string;
  /** `metadata`: the network's metadata port, which is on every host at once. */
  readonly kind: "guest" | "metadata";
  readonly macAddress: string;
  readonly fixedIps: readonly { readonly subnetId: string; readonly ipAddress: string }[];
  readonly adminStateUp: boolean;
  readonly portSecurityEnabled: boolean;
  readonly allowedAddressPairs: readonly { readonly ipAddress: string; readonly macAddress: string }[];
  readonly securityGroupIds: readonly string[];
  /** The host that may plug the port (its chassis name); null: any. */
  readonly host: string | null;
  readonly extraDhcpOptions: readonly ExtraDhcpOption[];
  /** The name other ports of the network find it by, and the domain below which; null: no name. */
  readonly dns: { readonly hostname: string; readonly domain: string | null } | null;
  /** Rules of the QoS policy in force. */
  readonly qos: readonly OvnQosRule[];
  /** For a trunk's port: its parent, which carries it as this VLAN. */
  readonly carriedBy?: { readonly portId: string; readonly tag: number } | null;
};

const isTrusted = (port: OvnPort): boolean => port.kind === "metadata";
const isSecured = (port: OvnPort): boolean => port.portSecurityEnabled && !isTrusted(port);
const groupsOf = (port: OvnPort): readonly string[] =>
  isTrusted(port) ? [] : [...new Set(port.securityGroupIds)].toSorted();

/** One entry for each MAC address with all its IP addresses: the port's own first, then those of its allowed pairs. */
function entriesByMac(port: OvnPort): readonly string[] {
  const own = port.macAddress.toLowerCase();
  const entries = new Map<string, string[]>([[own, port.fixedIps.map((ip) => ip.ipAddress)]]);
  for (const { macAddress, ipAddress } of port.allowedAddressPairs) {
    const mac = macAddress.toLowerCase();
    const addresses = entries.get(mac) ?? [];
    if (!addresses.includes(ipAddress)) addresses.push(ipAddress);
    entries.set(mac, addresses);
  }
  return [...entries].map(([mac, addresses]) => [mac, ...addresses].join(" "));
}

/** Pure: the columns of a port's row, without its DHCP options. */
export function portRow(
  port: OvnPort,
): RowWrite<Tables["Logical_Switch_Port"]> & { readonly external_ids: { readonly [key: string]: string } } {
  const own = [port.macAddress.toLowerCase(), ...port.fixedIps.map((ip) => ip.ipAddress)].join(" ");
  const otherMacs = [...new Set(port.allowedAddressPairs.map((pair) => pair.macAddress.toLowerCase()))].filter(
    (mac) => mac !== port.macAddress.toLowerCase(),
  );
  const groups = groupsOf(port);
  const subnets = [...new Set(port.fixedIps.map((ip) => ip.subnetId))];
  return {
    name: port.id,
    type: port.kind === "metadata" ? "localport" : "",
    // Without port security the guest may use any address, so what nobody else has is sent to it.
    addresses: isTrusted(port) ? [own] : isSecured(port) ? [own, ...otherMacs] : [own, "unknown"],
    port_security: isSecured(port) ? entriesByMac(port) : [],
    enabled: port.adminStateUp,
    parent_name: port.carriedBy?.portId ?? null,
    tag: port.carriedBy?.tag ?? null,
    options: port.host === null || port.kind === "metadata" ? {} : { "requested-chassis": port.host },
    external_ids: marks("port", port.id, {
      [NETWORK]: port.networkId,
      ...(port.name === "" ? {} : { [NAME]: port.name }),
      ...(subnets.length === 0 ? {} : { [SUBNETS]: subnets.join(" ") }),
      ...(groups.length === 0 ? {} : { [GROUPS]: groups.join(" ") }),
      ...(port.extraDhcpOptions.length === 0 ? {} : { [EXTRA_DHCP]: JSON.stringify(port.extraDhcpOptions) }),
    }),
  };
}

/** Pure: the names of a port, both ways, or null if it has none. */
export function dnsRecords(port: OvnPort): { readonly [name: string]: string } | null {
  if (port.dns === null || port.fixedIps.length === 0) return null;
  const addresses = port.fixedIps.map((ip) => ip.ipAddress);
  const hostname = port.dns.hostname.toLowerCase();
  const domain = port.dns.domain?.toLowerCase().replace(/\.$/, "") ?? "";
  const fqdn = domain === "" ? hostname : `${hostname}.${domain}`;
  const records: { [name: string]: string } = { [hostname]: addresses.join(" "), [fqdn]: addresses.join(" ") };
  for (const address of addresses) records[reverseName(address)] = fqdn;
  return records;
}

/** The port is in OVN as given. `unavailable` while its network is not there. */
export function ensurePort(ovn: OvnNorthbound, port: OvnPort): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const network = ovn.named.Logical_Switch.first(switchName(port.networkId));
    if (network === undefined) throw unavailable("The port's network is not realised yet");
    const parent = { ref: network._uuid, row: network };
    const existing = ovn.named.Logical_Switch_Port.first(port.id);
    const row = portRow(port);
    const dhcp = tieDhcp(ovn, draft, { id: port.id, type: row.type ?? "", externalIds: row.external_ids });
    const ref = draft.row("Logical_Switch_Port", existing, { ...row, ...dhcp });
    draft.members("Logical_Switch", parent, "ports", { add: [ref] });
    writeGroups(ovn, draft, port, existing, ref);
    writeDns(ovn, draft, port, parent);
    writeQos(ovn, draft, parent, "port", port.id, qosRows("port", port.id, { port: port.id }, port.qos));
  });
}

function writeGroups(
  ovn: OvnNorthbound,
  draft: Draft,
  port: OvnPort,
  existing: Row<"Logical_Switch_Port"> | undefined,
  ref: Ref,
): void {
  const wanted = new Set(groupsOf(port));
  for (const id of wanted) draft.members("Port_Group", findOrMakeGroup(ovn, draft, id), "ports", { add: [ref] });
  // The row itself says which groups the port was put into.
  for (const id of (existing?.external_ids[GROUPS] ?? "").split(" ")) {
    const row = id === "" || wanted.has(id) ? undefined : ovn.named.Port_Group.first(portGroupName(id));
    if (row !== undefined) draft.members("Port_Group", { ref: row._uuid, row }, "ports", { remove: [ref] });
  }
  if (isSecured(port)) {
    draft.members("Port_Group", findOrMakeDropGroup(ovn, draft), "ports", { add: [ref] });
  } else {
    const row = ovn.named.Port_Group.first(DROP_GROUP);
    if (row !== undefined) draft.members("Port_Group", { ref: row._uuid, row }, "ports", { remove: [ref] });
  }
}

/** Each port has a DNS row of its own, so names come and go with their port and two ports never share a record. */
function writeDns(
  ovn: OvnNorthbound,
  draft: Draft,
  port: OvnPort,
  network: { ref: Ref; row: Row<"Logical_Switch"> },
): void {
  const rows = ovn.owned.DNS.all(indexKey("port", port.id));
  const records = dnsRecords(port);
  if (records === null) {
    draft.remove("DNS", rows);
    return;
  }
  // `ovn-owned`: a question for the name's other address family is answered with nothing, not sent on.
  const ref = draft.row("DNS", rows[0], {
    records,
    options: { "ovn-owned": "true" },
    external_ids: marks("port", port.id),
  });
  draft.members("Logical_Switch", network, "dns_records", { add: [ref] });
  draft.remove("DNS", rows.slice(1));
}

/** Nothing of the port is left in OVN. */
export function removePort(ovn: OvnNorthbound, portId: string): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    removeSwitchPort(ovn, draft, portId);
    removeQos(ovn, draft, "port", portId);
    draft.remove("DNS", ovn.owned.DNS.all(indexKey("port", portId)));
    draft.remove("DHCP_Options", ovn.owned.DHCP_Options.all(indexKey("port", portId)));
  });
}

/** Takes a port off its switch, which is how rows of ports go. Also for router ports. */
export function removeSwitchPort(ovn: OvnNorthbound, draft: Draft, portId: string): void {
  const row = ovn.named.Logical_Switch_Port.first(portId);
  if (row === undefined) return;
  const network = ovn.named.Logical_Switch.first(switchName(row.external_ids[NETWORK] ?? ""));
  if (network === undefined) return;
  draft.members("Logical_Switch", { ref: network._uuid, row: network }, "ports", { remove: [row._uuid] });
}
