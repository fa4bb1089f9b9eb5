/**
 * How a host's namespace is joined to the machine.
 *
 *     machine                                   namespace <instance>-<host>
 *     172.24.N.1/24 on  an<N>-<i> ---veth--- uplink, a port of br-ex (no address there)
 *
 * The machine's end is the gateway of the external network, so a floating IP is on a network the machine is directly on:
 * it answers from the machine without a route. The way out for guests is the machine's own forwarding, masqueraded.
 *
 * What guests may reach of the machine: a ping of its addresses, nothing else (its SSH, the APIs, whatever else listens
 * there stay out of reach); it may reach them, and they answer. Through the machine: what the machine itself reaches,
 * except link-local addresses, where clouds keep the credentials of the machines they run.
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

/** An instance's tables, as nft reads them: the way out, and what guests may not reach. Pure. */
export function natRuleset(slot: number, machineLink: string): string {
  const name = tableName(slot);
  // made and emptied first, so that the same text replaces what an earlier version left
  const fresh = (family: string): string[] => [`table ${family} ${name} {}`, `delete table ${family} ${name}`];
  return [
    ...fresh("ip"),
    `table ip ${name} {`,
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept;",
    `    ip saddr 172.24.${slot}.0/24 oifname != "${machineLink}" masquerade`,
    "  }",
    "}",
    ...fresh("inet"),
    `table inet ${name} {`,
    "  chain input {",
    "    type filter hook input priority filter; policy accept;",
    `    iifname "${machineLink}" jump guests`,
    "  }",
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    `    iifname "${machineLink}" ip saddr != 172.24.${slot}.0/24 drop`,
    `    iifname "${machineLink}" ip daddr 169.254.0.0/16 drop`,
    `    iifname "${machineLink}" meta nfproto ipv6 drop`,
    "  }",
    "  chain guests {",
    "    ct state established,related accept",
    "    icmp type echo-request accept",
    "    drop",
    "  }",
    "}",
    "",
  ].join("\n");
}

/** One rule of iptables: where it goes, and what it says. */
export type IptablesRule = { table: "nat" | "filter"; chain: string; rule: string[] };

/** The same for a machine that has iptables only, in the order in which they are looked at. Pure. */
export function iptablesRules(slot: number, machineLink: string): IptablesRule[] {
  const comment = ["-m", "comment", "--comment", tableName(slot)];
  const subnet = `172.24.${slot}.0/24`;
  const fromGuests = (chain: string, rule: string[], then: string): IptablesRule => ({
    table: "filter",
    chain,
    rule: ["-i", machineLink, ...rule, ...comment, "-j", then],
  });
  return [
    {
      table: "nat",
      chain: "POSTROUTING",
      rule: ["-s", subnet, "!", "-o", machineLink, ...comment, "-j", "MASQUERADE"],
    },
    fromGuests("INPUT", ["-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED"], "ACCEPT"),
    fromGuests("INPUT", ["-p", "icmp", "--icmp-type", "echo-request"], "ACCEPT"),
    fromGuests("INPUT", [], "DROP"),
    fromGuests("FORWARD", ["!", "-s", subnet], "DROP"),
    fromGuests("FORWARD", ["-d", "169.254.0.0/16"], "DROP"),
  ];
}

const hasNft = async (): Promise<boolean> => (await tryCommand(["sh", "-c", "command -v nft"])).exitCode === 0;

const iptables = (rule: IptablesRule, verb: string): string[] => [
  "iptables",
  "-t",
  rule.table,
  verb,
  rule.chain,
  ...rule.rule,
];
const removeIptablesRule = async (rule: IptablesRule): Promise<void> => {
  if ((await tryCommand(iptables(rule, "-C"))).exitCode === 0) await runCommand(iptables(rule, "-D"));
};

/** Guests' way out through the machine, and what they may not reach. */
export async function ensureNat(slot: number, machineLink: string): Promise<void> {
  await setForwarding(true);
  if (await hasNft()) {
    await runCommand(["nft", "-f", "-"], { input: natRuleset(slot, machineLink) });
    return;
  }
  // each goes to the head of its chain, before what lets everything in: so the last comes first
  for (const rule of iptablesRules(slot, machineLink).toReversed()) {
    // eslint-disable-next-line no-await-in-loop
    await removeIptablesRule(rule);
    // eslint-disable-next-line no-await-in-loop
    await runCommand(iptables(rule, "-I"));
  }
}

/** Removes the rules; fine when they are gone already. */
export async function removeNat(slot: number, machineLink: string): Promise<void> {
  if (await hasNft()) {
    for (const family of ["ip", "inet"]) {
      const table = ["table", family, tableName(slot)];
      // eslint-disable-next-line no-await-in-loop
      const there = await tryCommand(["nft", "list", ...table]);
      // eslint-disable-next-line no-await-in-loop
      if (there.exitCode === 0) await runCommand(["nft", "delete", ...table]);
    }
    return;
  }
  // eslint-disable-next-line no-await-in-loop
  for (const rule of iptablesRules(slot, machineLink)) await removeIptablesRule(rule);
}
