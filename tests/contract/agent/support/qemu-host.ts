/**
 * A real host: Open vSwitch in a namespace of its own, the agent as a process, QEMU. OVN is played by a few lines that
 * mark each plugged port as installed, as ovn-controller does; br-int forwards as a plain switch.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createAgentClient } from "@andromede/agent-api/client";
import type { GuestDisk, ImageLocation } from "@andromede/agent-api/types";
import { createLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import {
  type HostSwitch,
  openvswitchUnits,
  ovsVsctl,
  ovsdbSocket,
  prepareOpenvswitch,
} from "@andromede/engines/openvswitch";
import { connectOvsdb } from "@andromede/ovsdb/client";
import { openVSwitch } from "@andromede/ovsdb/open-vswitch";
import { type EngineProcess, engineRoot, runProcess, startProcess } from "@andromede/testkit/engines";

import { type BenchHost, PORT_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS } from "./bench-host.ts";
import { tinyGuestImage } from "./tiny-guest.ts";

const MAIN = join(import.meta.dirname, "../../../../apps/host-agent/src/main.ts");
let hosts = 0;

export type QemuHostOptions = {
  /** The pool, on a disk of its own of this size. */
  volumesMib?: number;
  /** As in the agent's configuration; a directory unless said. */
  backupStore?: object;
};

export type QemuHost = BenchHost & {
  readonly engineRoot: string;
  /** Files of volumes and of backups. */
  readonly volumes: string;
  readonly backups: string;
  /** `crashAt`: it dies, as by kill -9, at this step of an operation on storage (apps/host-agent, crash-point.ts). */
  startAgent(options?: { crashAt?: string }): Promise<void>;
  /** Resolves when the agent has died. */
  agentDied(): Promise<void>;
  readonly namespace: string;
  readonly dataDir: string;
  readonly ovs: HostSwitch;
  /** Processes of the guest, by pid. */
  pids(guestId: string): number[];
  agentLog(): string;
};

/** Starts a host; about a second. */
export async function startQemuHost(options: QemuHostOptions = {}): Promise<QemuHost> {
  hosts += 1;
  const directory = mkdtempSync(join(tmpdir(), "andromede-agent-"));
  const instance = `agentlab${process.pid}x${hosts}`;
  const namespace = `${instance}-host1`;
  const cleanUps: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  };
  try {
    return await start({ directory, instance, namespace, cleanUps, stop, options });
  } catch (error) {
    await stop();
    throw error;
  }
}

type Setting = {
  directory: string;
  instance: string;
  namespace: string;
  cleanUps: (() => unknown)[];
  stop: () => Promise<void>;
  options: QemuHostOptions;
};

async function start({ directory, instance, namespace, cleanUps, stop, options }: Setting): Promise<QemuHost> {
  const root = engineRoot();
  const [volumes, backups] = [join(directory, "volumes"), join(directory, "backups")];
  await smallDisk(volumes, options.volumesMib, cleanUps);
  await runProcess(["ip", "netns", "add", namespace]);
  cleanUps.push(() => removeNamespaces(instance));
  const ovs = await startSwitch(root, directory, namespace, cleanUps);
  const ovn = playOvn(ovsdbSocket(ovs));
  cleanUps.push(() => ovn.close());

  const dataDir = join(directory, "host1");
  mkdirSync(dataDir);
  const socketPath = join(directory, "agent.sock");
  const configPath = join(directory, "host-agent.json");
  writeFileSync(
    configPath,
    JSON.stringify({
      instance,
      host: "host1",
      backend: "qemu",
      dataDir,
      socketPath,
      metadataSocketPath: join(directory, "metadata.sock"),
      engineRoot: root,
      networkNamespace: namespace,
      ovsdbSocket: ovsdbSocket(ovs),
      integrationBridge: "br-int",
      datapath: "netdev",
      accelerator: "tcg",
      acceleratorReason: "the tests say so",
      guestUser: { uid: 64_055, gid: 64_055 },
      shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
      portTimeoutMs: PORT_TIMEOUT_MS,
      volumePool: { name: "local", directory: volumes },
      backupStore: options.backupStore ?? { driver: "files", directory: backups },
      logLevel: "debug",
    }),
  );
  const logPath = join(directory, "agent.log");
  let agent: ChildProcess | undefined;
  const startAgent = async ({ crashAt }: { crashAt?: string } = {}): Promise<void> => {
    const log = openSync(logPath, "a");
    const env = { ...process.env, ...(crashAt === undefined ? {} : { ANDROMEDE_TEST_CRASH_AT: crashAt }) };
    agent = spawn(process.execPath, [MAIN, "--config", configPath], { stdio: ["ignore", log, log], env });
    closeSync(log);
    await waitUntil("the agent", () => client.host().then(() => true), { timeoutMs: 20_000, everyMs: 20 });
  };
  const agentDied = (): Promise<void> =>
    new Promise((resolve) => {
      if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return resolve();
      agent.once("exit", () => resolve());
      return undefined;
    });
  const crashAgent = (): Promise<void> => {
    const died = agentDied();
    agent?.kill("SIGKILL");
    return died;
  };
  const client = createAgentClient(socketPath);
  const pids = (guestId: string): number[] => pidsWith(`${instance}/host1/${guestId}`);
  cleanUps.push(async () => {
    await crashAgent();
    for (const pid of [...pidsWith(`${instance}/host1/`), ...pidsWith(dataDir)]) process.kill(pid, "SIGKILL");
    await waitUntil("the end of all guests", () => pidsWith(`${instance}/host1/`).length === 0, { timeoutMs: 30_000 });
    removeControlGroups(`${instance}-host1`);
  });
  await startAgent();

  const image = tinyImage(directory);
  /** Types on the guest's console, once it listens (it may still be in its BIOS), and waits for what comes of it. */
  const say = async (guestId: string, text: string, done: () => Promise<boolean> | boolean): Promise<void> => {
    const serial = await client.openStream(guestId, "serial");
    await waitUntil(
      "the guest's start",
      async () => (await client.consoleText(guestId, undefined)).includes("UP\r\n"),
      { timeoutMs: 30_000 },
    );
    serial.write(text);
    await waitUntil(`the guest's answer to ${text}`, done, { timeoutMs: 30_000 });
    serial.destroy();
  };
  return {
    backend: "qemu",
    client,
    socketPath,
    namespace,
    dataDir,
    ovs,
    pids,
    agentLog: () => readFileSync(logPath, "utf8"),
    engineRoot: root,
    volumes,
    backups,
    crashAgent,
    startAgent,
    agentDied,
    disk: image,
    powerOffFromInside: (guestId) => say(guestId, "q", () => pids(guestId).length === 0),
    killGuest: async (guestId) => {
      for (const pid of pids(guestId)) process.kill(pid, "SIGKILL");
    },
    ignoreShutdown: (guestId) =>
      say(guestId, "d", async () => (await client.consoleText(guestId, undefined)).endsWith("d")),
    holdPorts: ovn.hold,
    remains: async (guestId) => [
      ...pids(guestId).map((pid) => `process ${pid}`),
      ...(existsSync(join(dataDir, "guests", guestId)) ? [`directory of ${guestId}`] : []),
      ...(await runProcess(["ip", "-n", namespace, "link"])).split("\n").filter((line) => line.includes(guestId)),
      ...(
        await ovsVsctl(ovs, [
          "--columns=name",
          "--format=csv",
          "--no-headings",
          "find",
          "Interface",
          `external_ids:vm-id=${guestId}`,
        ])
      )
        .split("\n")
        .filter((line) => line !== ""),
    ],
    stop,
  };
}

/** A directory, on a file system of its own when it has a size. */
async function smallDisk(path: string, sizeMib: number | undefined, cleanUps: Setting["cleanUps"]): Promise<void> {
  if (sizeMib === undefined) return;
  mkdirSync(path);
  await runProcess(["mount", "-t", "tmpfs", "-o", `size=${sizeMib}m`, "agentlab", path]);
  cleanUps.push(() => runProcess(["umount", path]));
}

async function startSwitch(
  root: string,
  directory: string,
  namespace: string,
  cleanUps: Setting["cleanUps"],
): Promise<HostSwitch> {
  const at = (name: string): string => join(directory, name);
  const ovs: HostSwitch = {
    name: "host1",
    engineRoot: root,
    networkNamespace: namespace,
    directory: at("ovs"),
    runDirectory: at("ovs-run"),
    logDirectory: at("log"),
    datapath: "netdev",
  };
  await prepareOpenvswitch(ovs);
  for (const unit of openvswitchUnits(ovs)) {
    const running: EngineProcess = startProcess(
      unit.argv.flatMap((word) => (word === "bwrap" ? [word, "--die-with-parent"] : [word])),
    );
    cleanUps.push(() => running.stop());
    if (unit.readySocket !== undefined) {
      const socket = unit.readySocket;
      await waitUntil(socket, () => existsSync(socket), { timeoutMs: 30_000, everyMs: 10 });
    }
  }
  await ovsVsctl(ovs, [
    "--timeout=20",
    "set",
    "Open_vSwitch",
    ".",
    "external_ids:system-id=lab-host1",
    "--",
    "add-br",
    "br-int",
    "--",
    "set",
    "Bridge",
    "br-int",
    "datapath_type=netdev",
  ]);
  return ovs;
}

/** ovn-controller's part: `ovn-installed` on each interface that has an iface-id. */
function playOvn(socketPath: string): { hold: (hold: boolean) => void; close: () => void } {
  const client = connectOvsdb({
    address: `unix:${socketPath}`,
    database: openVSwitch,
    monitor: { Interface: { columns: ["external_ids", "ofport"] } },
    log: createLogger("fake-ovn", { level: "silent" }),
  });
  let held = false;
  const install = (): void => {
    if (held) return;
    for (const { _uuid, external_ids: ids, ofport } of client.table("Interface").rows.values()) {
      if (ids["iface-id"] === undefined || ids["ovn-installed"] === "true" || ofport === null || ofport < 1) continue;
      // A row that has gone meanwhile is nothing to install.
      void client
        .transact([
          {
            op: "mutate",
            table: "Interface",
            where: [["_uuid", "==", _uuid]],
            mutations: [["external_ids", "insert", { "ovn-installed": "true" }]],
          },
        ])
        .catch(() => undefined);
    }
  };
  client.onChange(install);
  return {
    hold(hold) {
      held = hold;
      install();
    },
    close: () => client.close(),
  };
}

function tinyImage(directory: string): (sizeGib: number) => { disk: GuestDisk; images: ImageLocation[] } {
  const bytes = tinyGuestImage();
  const path = join(directory, "tiny.raw");
  writeFileSync(path, bytes);
  const sha512 = createHash("sha512").update(bytes).digest("hex");
  let images = 0;
  return (sizeGib) => {
    images += 1;
    const imageId = `tiny-${images}`;
    return {
      disk: {
        id: "root",
        source: { kind: "image", imageId, sha512, format: "raw", sizeBytes: bytes.length },
        sizeGib,
        bootIndex: 0,
      },
      images: [{ imageId, path }],
    };
  };
}

/** Processes with the text in their command line. */
function pidsWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
      } catch {
        return false;
      }
    });
}

async function removeNamespaces(prefix: string): Promise<void> {
  for (const name of readdirSync("/run/netns").filter((each) => each.startsWith(prefix)))
    await runProcess(["ip", "netns", "del", name]);
}

function removeControlGroups(name: string): void {
  for (const controller of ["", "memory", "pids", "cpu"]) {
    const directory = join("/sys/fs/cgroup", controller, name);
    if (!existsSync(directory)) continue;
    for (const entry of readdirSync(directory))
      if (statSync(join(directory, entry)).isDirectory()) rmdirSync(join(directory, entry));
    rmdirSync(directory);
  }
}
