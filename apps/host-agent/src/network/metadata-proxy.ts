/**
 * 169.254.169.254 on each network that has a guest here, as Neutron's OVN metadata agent does it: an OVN localport
 * plugged here, its device in a network namespace of its own, and in there an haproxy that says which network a request
 * came from and passes it to the agent's metadata server.
 *
 * The device is a port that the switch itself makes ("internal"), moved into the namespace: the kernel computes whole
 * checksums on it with either datapath. If the switch restarts it may come back outside; each check puts it right.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { GuestNetwork } from "@andromede/agent-api/types";
import type { Logger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";

import { readIfThere, removePath, writeAtomically } from "../durable.ts";
import { jailCommand } from "../jail/jail.ts";
import { type ProcessRecord, isAlive, killProcesses, startDetached } from "../jail/process.ts";
import { run } from "../jail/run.ts";
import type { LedgerEntry } from "../ledger.ts";
import { type Links, linksOf, namespacePath } from "./links.ts";
import { METADATA_SOCKET, metadataSocketDirectory } from "./metadata-server.ts";
import type { Switch } from "./switch.ts";

export type MetadataProxies = {
  /** Networks follow from the guests. Works in the background. */
  entriesChanged(entries: ReadonlyMap<string, LedgerEntry>): void;
  /** Ends; the proxies keep running. */
  close(): Promise<void>;
};

export type MetadataProxyOptions = {
  engineRoot: string;
  /** Records of the proxies. */
  directory: string;
  /** The host's own namespace; null is the agent's. */
  namespace: string | null;
  /** Names of the proxies' namespaces begin so. */
  namespacePrefix: string;
  metadataSocketPath: string;
  user: { uid: number; gid: number };
  hostLinks: Links;
  ovs: Switch;
  log: Logger;
};

type Wanted = { id: string; port: NonNullable<GuestNetwork["metadataPort"]> };
type Running = { process: ProcessRecord; config: string };

const CHECK_EVERY_MS = 10_000;
const NETWORK_KEY = "andromede-network";
const ADDRESS = "169.254.169.254";

export const metadataDevice = (portId: string): string => `mtd${portId.slice(0, 11)}`;

/** Keeps the proxies of a host as they should be. */
export function createMetadataProxies(options: MetadataProxyOptions): MetadataProxies {
  const { ovs, log } = options;
  let wanted = new Map<string, Wanted>();
  let known = false;
  /** What was last set up, to tell a change from a repeated wish. */
  let settled = "";
  let working: Promise<void> | null = null;
  let again = false;
  let closed = false;

  function kick(): void {
    if (closed || !known) return;
    again = true;
    working ??= work().finally(() => {
      working = null;
    });
  }

  async function work(): Promise<void> {
    while (again && !closed) {
      again = false;
      // Networks are set up one by one: a handful, and nobody waits for the last.
      for (const network of wanted.values()) {
        // eslint-disable-next-line no-await-in-loop
        await quietly(network.id, () => ensureProxy(options, network));
      }
      // eslint-disable-next-line no-await-in-loop
      for (const networkId of await existing(options)) {
        // eslint-disable-next-line no-await-in-loop
        if (!wanted.has(networkId)) await quietly(networkId, () => removeProxy(options, networkId));
      }
    }
  }

  async function quietly(network: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!closed) log.warn({ error, network }, "the network's metadata proxy is not in order, will be tried again");
    }
  }

  const timer = setInterval(kick, CHECK_EVERY_MS).unref();
  ovs.onChange((ifaceIds) => {
    if (ifaceIds.some((id) => [...wanted.values()].some(({ port }) => port.id === id))) kick();
  });

  return {
    entriesChanged(entries) {
      wanted = wantedBy(entries);
      known = true;
      const now = JSON.stringify([...wanted.values()]);
      if (now === settled) return;
      settled = now;
      kick();
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await working;
    },
  };
}

function wantedBy(entries: ReadonlyMap<string, LedgerEntry>): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  const newest = new Map<string, number>();
  for (const { spec, deleting, generation } of entries.values()) {
    if (deleting) continue;
    for (const { id, metadataPort } of spec.networks) {
      // Guests of a network were told of it at different times; what differs is settled the same way on each pass.
      if (metadataPort === null || (newest.get(id) ?? -1) >= generation) continue;
      newest.set(id, generation);
      wanted.set(id, { id, port: metadataPort });
    }
  }
  return wanted;
}

const namespaceOf = (options: MetadataProxyOptions, networkId: string): string =>
  `${options.namespacePrefix}-meta-${networkId}`;
const recordPath = (options: MetadataProxyOptions, networkId: string): string =>
  join(options.directory, `${networkId}.json`);

/** Networks of which anything is left: a record, a namespace, a port. */
async function existing(options: MetadataProxyOptions): Promise<Set<string>> {
  const records = await readdir(options.directory).catch(() => []);
  const namespaces = await readdir(dirname(namespacePath("x"))).catch(() => []);
  const prefix = namespaceOf(options, "");
  return new Set([
    ...records.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length)),
    ...namespaces.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
    ...options.ovs.ports().flatMap(({ externalIds }) => externalIds[NETWORK_KEY] ?? []),
  ]);
}

async function ensureProxy(options: MetadataProxyOptions, network: Wanted): Promise<void> {
  const { engineRoot, ovs, hostLinks } = options;
  const namespace = namespaceOf(options, network.id);
  const device = metadataDevice(network.port.id);
  await ensureNamespace(namespace);
  await ovs.ensurePorts([
    {
      name: device,
      type: "internal",
      macAddress: network.port.macAddress,
      externalIds: { "iface-id": network.port.id, [NETWORK_KEY]: network.id },
    },
  ]);
  const links = linksOf(engineRoot, namespace);
  if (!(await links.list()).some(({ name }) => name === device))
    await moveDevice(options, hostLinks, device, namespace);
  await links.batch(
    [
      "link set dev lo up",
      `link set dev ${device} address ${network.port.macAddress} up`,
      `addr replace ${ADDRESS}/32 dev ${device}`,
      ...network.port.addresses.map((address) => `addr replace ${address} dev ${device}`),
    ],
    "setting up a metadata port",
  );
  await ensureHaproxy(options, network.id, namespace);
}

async function moveDevice(
  options: MetadataProxyOptions,
  hostLinks: Links,
  device: string,
  namespace: string,
): Promise<void> {
  // The switch makes the device in its own time.
  await waitUntil(`device ${device}`, async () => (await hostLinks.list()).some(({ name }) => name === device), {
    timeoutMs: 5_000,
    everyMs: 20,
  });
  const jail = {
    engineRoot: options.engineRoot,
    binds: [{ source: namespacePath(namespace), target: namespacePath(namespace) }],
    network: options.namespace === null ? ("inherit" as const) : { path: namespacePath(options.namespace) },
    user: null,
    capabilities: ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"],
  };
  await run(jailCommand(jail, ["ip", "link", "set", "dev", device, "netns", namespace]), {
    what: "moving a metadata port into its namespace",
    timeoutMs: 10_000,
  });
}

/** A namespace with a name, as `ip netns add` makes it; by util-linux, which every host has. */
async function ensureNamespace(name: string): Promise<void> {
  const path = namespacePath(name);
  const works = await run(["nsenter", `--net=${path}`, "true"], {
    what: "entering a namespace",
    timeoutMs: 5_000,
  }).then(
    () => true,
    () => false,
  );
  if (works) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "", { flag: "a" });
  await run(["unshare", `--net=${path}`, "true"], { what: "making a namespace", timeoutMs: 5_000 });
  // haproxy has no capability; on port 80 it listens by this namespace's leave.
  const allow = "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start";
  await run(["nsenter", `--net=${path}`, "/bin/sh", "-c", allow], {
    what: "opening port 80 in a namespace",
    timeoutMs: 5_000,
  });
}

async function removeNamespace(name: string): Promise<void> {
  const path = namespacePath(name);
  // Not mounted, if it was left half-made: then there is only the file.
  await run(["umount", path], { what: "removing a namespace", timeoutMs: 5_000 }).catch(() => undefined);
  await removePath(path);
}

/** haproxy's configuration for a network. Headers that the guest made up itself are replaced. */
export function haproxyConfig(networkId: string): string {
  return `global
  maxconn 1024
  nbthread 1
defaults
  mode http
  option http-server-close
  option dontlognull
  retries 3
  timeout http-request 30s
  timeout connect 5s
  timeout client 32s
  timeout server 32s
  timeout http-keep-alive 30s
listen metadata
  bind ${ADDRESS}:80
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-OVN-Network-ID ${networkId}
  server agent unix@/metadata/${METADATA_SOCKET}
`;
}

async function ensureHaproxy(options: MetadataProxyOptions, networkId: string, namespace: string): Promise<void> {
  const { engineRoot, directory, metadataSocketPath, user } = options;
  const config = haproxyConfig(networkId);
  const old = await running(options, networkId);
  if (old !== null && old.config === config && (await isAlive(old.process))) return;
  if (old !== null) await killProcesses([old.process]);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const configPath = join(directory, `${networkId}.cfg`);
  await writeAtomically(configPath, config, 0o644);
  const jail = {
    engineRoot,
    binds: [
      { source: configPath, target: "/haproxy.cfg" },
      // The directory, since a restarted agent makes the socket anew.
      { source: metadataSocketDirectory(metadataSocketPath), target: "/metadata" },
    ],
    network: { path: namespacePath(namespace) },
    user,
    limits: {},
  };
  const logPath = join(directory, `${networkId}.log`);
  await removePath(logPath);
  const { record } = await startDetached(jailCommand(jail, ["haproxy", "-db", "-f", "/haproxy.cfg"]), logPath);
  await writeAtomically(recordPath(options, networkId), JSON.stringify({ process: record, config } satisfies Running));
}

async function running(options: MetadataProxyOptions, networkId: string): Promise<Running | null> {
  const text = await readIfThere(recordPath(options, networkId));
  if (text === null) return null;
  try {
    return JSON.parse(text) as Running;
  } catch {
    // Emptied by a power cut: then the process is gone too.
    return null;
  }
}

async function removeProxy(options: MetadataProxyOptions, networkId: string): Promise<void> {
  const { ovs, directory } = options;
  const old = await running(options, networkId);
  if (old !== null) await killProcesses([old.process]);
  const ports = ovs.ports().filter(({ externalIds }) => externalIds[NETWORK_KEY] === networkId);
  await ovs.removePorts(ports.map(({ name }) => name));
  await removeNamespace(namespaceOf(options, networkId));
  await Promise.all(["cfg", "log", "json"].map((end) => removePath(join(directory, `${networkId}.${end}`))));
}
