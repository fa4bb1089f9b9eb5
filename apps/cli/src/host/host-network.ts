/**
 * How a host's namespace is joined to the machine.
 *
 *     machine                                   namespace <instance>-<host>
 *     172.24.N.1/24 on  an<N>-<i> ---veth--- uplink, a port of br-ex (no address there)
 *
 * The machine's end is the gateway of the external network, so a floating IP is on a network the machine is directly on:
 * it answers from the machine without a route. The way out for guests is the machine's own forwarding, masqueraded.
 * Everything here is "ensure": it may run at any time, again and again.
 */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

import { conflict } from "@andromede/base/errors";
import { runCommand, tryCommand } from "@andromede/engines/run-command";

export type HostLink = { namespace: string; machineLink: string; gateway: string; prefixLength: number };

export const UPLINK = "uplink";

/** Names and addresses of one host's joint. At most 15 characters may name a link. Pure. */
export function hostLink(slot: number, hostIndex: number, namespace: string): HostLink {
  return { namespace, machineLink: `an${slot}-${hostIndex}`, gateway: `172.24.${slot}.1`, prefixLength: 24 };
}

const ipIn = (namespace: string, args: string[]): string[] => ["ip", "-n", namespace, ...args];
const linkExists = async (link: string, namespace?: string): Promise<boolean> => {
  const args = ["-o", "link", "show", "dev", link];
  return (await tryCommand(namespace === undefined ? ["ip", ...args] : ipIn(namespace, args))).exitCode === 0;
};

/** Makes the namespace and the pair of links. */
export async function ensureHostLink(link: HostLink): Promise<void> {
  if (!existsSync(`/run/netns/${link.namespace}`)) await runCommand(["ip", "netns", "add", link.namespace]);
  await runCommand(ipIn(link.namespace, ["link", "set", "lo", "up"]));
  const [outside, inside] = await Promise.all([linkExists(link.machineLink), linkExists(UPLINK, link.namespace)]);
  if (outside && !inside) {
    const owner = await linkAlias(link.machineLink);
    if (owner !== link.namespace)
      throw conflict(`the link ${link.machineLink} belongs to ${owner === "" ? "somebody else" : owner}`);
    await runCommand(["ip", "link", "del", link.machineLink]);
  }
  if (!outside || !inside) {
    // In one step, the far end in its namespace: a kill in between leaves nothing half made.
    await runCommand([
      "ip",
      "link",
      "add",
      link.machineLink,
      "type",
      "veth",
      "peer",
      "name",
      UPLINK,
      "netns",
      link.namespace,
    ]);
  }
  await runCommand(["ip", "link", "set", link.machineLink, "alias", link.namespace]);
  await runCommand(ipIn(link.namespace, ["link", "set", UPLINK, "up"]));
  await runCommand(["ip", "link", "set", link.machineLink, "up"]);
  await runCommand(["ip", "address", "replace", `${link.gateway}/${link.prefixLength}`, "dev", link.machineLink]);
}

async function linkAlias(link: string): Promise<string> {
  const file = `/sys/class/net/${link}/ifalias`;
  return existsSync(file) ? (await readFile(file, "utf8")).trim() : "";
}

/** Removes the pair and the namespace; fine when they are gone already. */
export async function removeHostLink(link: HostLink): Promise<void> {
  if ((await linkAlias(link.machineLink)) === link.namespace) await runCommand(["ip", "link", "del", link.machineLink]);
  if (existsSync(`/run/netns/${link.namespace}`)) await runCommand(["ip", "netns", "del", link.namespace]);
}

const FORWARDING = "/proc/sys/net/ipv4/ip_forward";

/** Whether the machine forwarded packets before us, to leave it as it was found. */
export const isForwarding = async (): Promise<boolean> => (await readFile(FORWARDING, "utf8")).trim() === "1";
export const setForwarding = (on: boolean): Promise<void> => writeFile(FORWARDING, on ? "1" : "0");

const tableName = (slot: number): string => `andromede_${slot}`;

/** The whole NAT table of one instance, as nft reads it. Pure. */
export function natRuleset(slot: number, machineLink: string): string {
  return [
    // made and emptied first, so that the same text replaces what an earlier version left
    `table ip ${tableName(slot)} {}`,
    `delete table ip ${tableName(slot)}`,
    `table ip ${tableName(slot)} {`,
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept;",
    `    ip saddr 172.24.${slot}.0/24 oifname != "${machineLink}" masquerade`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** The same rule for a machine that has iptables only. Pure. */
export const natIptablesRule = (slot: number, machineLink: string): string[] => [
  "POSTROUTING",
  "-s",
  `172.24.${slot}.0/24`,
  "!",
  "-o",
  machineLink,
  "-m",
  "comment",
  "--comment",
  tableName(slot),
  "-j",
  "MASQUERADE",
];

const hasNft = async (): Promise<boolean> => (await tryCommand(["sh", "-c", "command -v nft"])).exitCode === 0;

/** Guests' way out through the machine. */
export async function ensureNat(slot: number, machineLink: string): Promise<void> {
  await setForwarding(true);
  if (await hasNft()) {
    await runCommand(["nft", "-f", "-"], { input: natRuleset(slot, machineLink) });
    return;
  }
  const rule = natIptablesRule(slot, machineLink);
  if ((await tryCommand(["iptables", "-t", "nat", "-C", ...rule])).exitCode !== 0)
    await runCommand(["iptables", "-t", "nat", "-A", ...rule]);
}

/** Removes the rules; fine when they are gone already. */
export async function removeNat(slot: number, machineLink: string): Promise<void> {
  if (await hasNft()) {
    const there = await tryCommand(["nft", "list", "table", "ip", tableName(slot)]);
    if (there.exitCode === 0) await runCommand(["nft", "delete", "table", "ip", tableName(slot)]);
    return;
  }
  const rule = natIptablesRule(slot, machineLink);
  if ((await tryCommand(["iptables", "-t", "nat", "-C", ...rule])).exitCode === 0)
    await runCommand(["iptables", "-t", "nat", "-D", ...rule]);
}
