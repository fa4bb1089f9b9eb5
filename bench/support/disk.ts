/**
 * A guest's disk beside a bare QEMU's: the same file, the same kernel, the same accelerator, the same work inside, by turns.
 * Ours is what the host agent starts; bare is the line that somebody would write by hand. All of them run at once and have
 * the file open at once, so that a turn takes a second and a machine's mood is shared; only one of them works at a time.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Duplex } from "node:stream";

import type { GuestDisk, GuestSpec } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";
import { inEngineRoot } from "@andromede/testkit/engines";

import { specOf } from "../../tests/contract/agent/support/bench-host.ts";
import { type Shell, linuxGuestImage, openShell, shellOn } from "../../tests/contract/agent/support/linux-guest.ts";
import { type QemuHost, startQemuHost } from "../../tests/contract/agent/support/qemu-host.ts";
import { emit, percentile, round } from "./measure.ts";
import { randomIoProgram } from "./random-io.ts";

/** Two processes of the very same line differ by up to a tenth, for their lives: each is started anew so often. */
const BOOTS = Number(process.env["BENCH_BOOTS"] ?? "5");
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "3");
const WAIT = { timeoutMs: 120_000, everyMs: 20 };
/** What is read and written: the beginning of the volume. */
const AREA_MIB = 256;
const MEMORY_MIB = 128;
const IOS = { count: 10_000, blocks: AREA_MIB * 256 };
const DEVICE = "/dev/vdb";
const SEQUENTIAL = `dd bs=1048576 count=${AREA_MIB}`;
/** The guest's clock goes by hundredths of a second: what is timed takes many of them. */
const PASSES = [1, 2, 3];
const over = (command: string): string => PASSES.map(() => command).join(" && ");
const WORKS = {
  read_mib_s: {
    command: over(`${SEQUENTIAL} if=${DEVICE} of=/dev/null iflag=direct 2>/dev/null`),
    units: AREA_MIB * PASSES.length,
  },
  write_mib_s: {
    command: over(`${SEQUENTIAL} if=/dev/zero of=${DEVICE} oflag=direct 2>/dev/null`),
    units: AREA_MIB * PASSES.length,
  },
  read_iops: { command: `/reads <>${DEVICE}`, units: IOS.count },
  write_iops: { command: `/writes <>${DEVICE}`, units: IOS.count },
};
type Work = keyof typeof WORKS;
/** The host's page cache, as QEMU has it unless told otherwise, and as ours has it; the same again; and past it. */
const BARE = {
  bare: "cache=writeback,aio=threads",
  bare_again: "cache=writeback,aio=threads",
  bare_direct: "cache=none,aio=native",
} as const;
const BARE_WAYS = Object.keys(BARE) as (keyof typeof BARE)[];
type Way = "ours" | keyof typeof BARE;

type Guest = { shell: Shell; end: () => Promise<void> };
type Volume = { disk: GuestDisk; file: string; key: string | null };

/** One JSON line for each kind of work on an encrypted volume and on one that is not. */
export async function besideBareDisk(): Promise<void> {
  const host = await startQemuHost();
  try {
    const bytes = await linuxGuestImage(host.engineRoot);
    const boot = { path: join(dirname(host.dataDir), "linux.raw"), bytes };
    writeFileSync(boot.path, bytes);
    for (const encrypted of [true, false]) {
      const speeds = noSpeeds();
      for (let n = 0; n < BOOTS; n++) await compare(host, boot, encrypted, speeds);
      for (const work of Object.keys(WORKS) as Work[]) say(work, encrypted, speeds[work]);
    }
  } finally {
    await host.stop();
  }
}

type Boot = { path: string; bytes: Buffer };
type Speeds = { [way in Way]: number[] };

const noSpeeds = (): { [work in Work]: Speeds } => {
  const none = (): Speeds => ({ ours: [], bare: [], bare_again: [], bare_direct: [] });
  return { read_mib_s: none(), write_mib_s: none(), read_iops: none(), write_iops: none() };
};

async function compare(
  host: QemuHost,
  boot: Boot,
  encrypted: boolean,
  speeds: { [work in Work]: Speeds },
): Promise<void> {
  const volume = await makeVolume(host, encrypted);
  const guests = new Map<Way, Guest>();
  try {
    guests.set("ours", await bootOurs(host, boot, volume));
    // written once and flushed, every block has its place in the file, and from here on all only write in place
    await seconds(guests.get("ours"), `${SEQUENTIAL} if=/dev/zero of=${DEVICE} oflag=direct conv=fsync 2>/dev/null`);
    for (const way of BARE_WAYS) guests.set(way, await bootBare(host, boot, volume, BARE[way]));
    for (const { shell } of guests.values()) {
      await program(shell, "/reads", false);
      await program(shell, "/writes", true);
    }
    for (const work of Object.keys(WORKS) as Work[]) await takeTurns(guests, work, speeds[work]);
  } finally {
    for (const { end } of guests.values()) await end();
  }
}

/** The first round is for the caches. */
async function takeTurns(guests: Map<Way, Guest>, work: Work, speeds: Speeds): Promise<void> {
  const { command, units } = WORKS[work];
  for (let n = -1; n < ROUNDS; n++) {
    const turns = [...guests];
    for (const [way, guest] of n % 2 === 0 ? turns : turns.toReversed()) {
      const speed = units / (await seconds(guest, command));
      if (n >= 0) speeds[way].push(speed);
    }
  }
}

function say(work: Work, encrypted: boolean, speeds: Speeds): void {
  // the median of the rounds' ratios
  const beside = (way: Way, of: Way = "ours"): number =>
    round(median(speeds[of].map((speed, n) => speed / (speeds[way][n] ?? Number.NaN))), 3);
  emit({
    figure: `disk.${work}`,
    encrypted,
    boots: BOOTS,
    rounds: ROUNDS,
    ...Object.fromEntries(Object.entries(speeds).map(([way, values]) => [way, round(median(values))])),
    ratio: beside("bare"),
    // two lines that are the same: what lies between them says nothing
    scatter: beside("bare", "bare_again"),
    ratio_direct: beside("bare_direct"),
  });
}

const median = (values: number[]): number => percentile(values, 0.5);

async function makeVolume(host: QemuHost, encrypted: boolean): Promise<Volume> {
  const id = newUuid();
  const key = encrypted ? randomBytes(32).toString("base64") : null;
  await host.client.putVolume({ id, generation: 1, sizeGib: 1, key, source: { kind: "empty" }, snapshots: [] });
  await waitUntil("the volume", async () => (await host.client.getVolume(id))?.state === "ready", WAIT);
  const source = { kind: "volume", volumeId: id, key, readOnly: false, shared: false } as const;
  return { disk: { id, source, sizeGib: 1 }, file: join(host.volumes, `${id}.qcow2`), key };
}

async function bootOurs(host: QemuHost, boot: Boot, volume: Volume): Promise<Guest> {
  const sha512 = createHash("sha512").update(boot.bytes).digest("hex");
  const source = { kind: "image", imageId: "linux", sha512, format: "raw", sizeBytes: boot.bytes.length } as const;
  const spec: GuestSpec = specOf(host, {
    memoryMib: MEMORY_MIB,
    disks: [{ id: "root", source, sizeGib: 1, bootIndex: 0 }, volume.disk],
    images: [{ imageId: "linux", path: boot.path }],
  });
  await host.client.putGuest(spec);
  await waitUntil("the guest", async () => (await host.client.getGuest(spec.id))?.state === "running", WAIT);
  const shell = await openShell(host.client, spec.id);
  const end = async (): Promise<void> => {
    shell.close();
    await host.client.deleteGuest(spec.id, 1_000_000);
    await waitUntil("the guest's end", async () => (await host.client.getGuest(spec.id)) === null, WAIT);
  };
  return { shell, end };
}

async function bootBare(host: QemuHost, boot: Boot, volume: Volume, cache: string): Promise<Guest> {
  const keyFile = join(dirname(host.dataDir), "bare.key");
  const secret = volume.key === null ? [] : ["-object", `secret,id=key,file=${keyFile}`];
  const encryption = volume.key === null ? "" : ",encrypt.format=luks,encrypt.key-secret=key";
  if (volume.key !== null) writeFileSync(keyFile, volume.key);
  const line = [
    "qemu-system-x86_64 -nodefaults -display none -no-reboot -machine q35 -accel tcg,thread=multi -cpu max".split(" "),
    ["-m", String(MEMORY_MIB), "-serial", "stdio"],
    ["-drive", `file=${boot.path},if=virtio,format=raw,readonly=on`],
    [...secret, "-drive", `file=${volume.file},file.locking=off,if=virtio,format=qcow2,${cache}${encryption}`],
  ].flat();
  const [command = "", ...args] = inEngineRoot(host.engineRoot, [dirname(host.dataDir)], line);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const serial = Duplex.from({ readable: child.stdout, writable: child.stdin }) as Duplex;
  serial.on("error", () => undefined); // its end, when the process is killed
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await closed;
    rmSync(keyFile, { force: true });
  };
  return { shell: await shellOn(serial, { fresh: true, booted: () => Promise.resolve(false) }), end };
}

async function program(shell: Shell, path: string, write: boolean): Promise<void> {
  const text = randomIoProgram({ write, ...IOS }).toString("base64");
  await shell.run(`echo ${text} | busybox base64 -d >${path}; busybox chmod 755 ${path}`);
}

/** By the guest's own clock. */
async function seconds(guest: Guest | undefined, command: string): Promise<number> {
  const clock = 'read -r now rest </proc/uptime; echo "at $now"';
  const said = (await guest?.shell.run(`${clock}; ${command}; echo "ended $?"; ${clock}`)) ?? "";
  const [from, to] = [...said.matchAll(/^at ([\d.]+)$/gm)].map((found) => Number(found[1]));
  if (!said.includes("ended 0") || from === undefined || to === undefined) throw new Error(`${command}: ${said}`);
  return to - from;
}
