/**
 * Whether guests can use KVM. Opening /dev/kvm proves nothing: there are machines where it opens, a virtual machine can
 * be made, and an ordinary 64-bit kernel never gets to its user land. So the probe boots one to user land, with the
 * options guests are started with, within a deadline. The verdict holds until the machine is booted again.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { parseJson } from "@andromede/base/json";
import { type Jail, jailCommand, jailEnvironment } from "@andromede/engines/jail";

import { writeWhole } from "../instance/instance-config.ts";
import { bootId, readProcess } from "../supervision/processes.ts";
import { USER_LAND_LINE, initramfs, tinyInit } from "./tiny-initramfs.ts";

export type KvmVerdict = {
  accelerator: "kvm" | "tcg";
  reason: string;
  bootId: string;
  engineRoot: string;
  probedAt: string;
};
type Outcome = { booted: boolean; reason: string };

const DEADLINE_MS = 10_000;
/** Followed by its maker's pid. */
const SCRATCH = ".kvm-probe-";
const SCRATCH_OF = /^\.kvm-probe-(\d+)-/;

/** The verdict for this boot of the machine and this engine root; probes once. */
export async function ensureKvmVerdict(dataDirectory: string, engineRoot: string): Promise<KvmVerdict> {
  const file = join(dataDirectory, "kvm-probe.json");
  if (existsSync(file)) {
    const cached = parseJson(await readFile(file, "utf8"), file) as KvmVerdict;
    if (cached.bootId === bootId() && cached.engineRoot === engineRoot) return cached;
  }
  const outcome = await probeAccelerator(dataDirectory, engineRoot, "kvm", DEADLINE_MS);
  const verdict: KvmVerdict = {
    accelerator: outcome.booted ? "kvm" : "tcg",
    reason: outcome.reason,
    bootId: bootId(),
    engineRoot,
    probedAt: new Date().toISOString(),
  };
  await writeWhole(file, `${JSON.stringify(verdict, null, 2)}\n`, 0o644);
  return verdict;
}

/** Boots the probe kernel with one accelerator; says whether its user land was reached, and if not, why. */
export async function probeAccelerator(
  dataDirectory: string,
  engineRoot: string,
  accelerator: "kvm" | "tcg",
  deadlineMs: number,
): Promise<Outcome> {
  if (accelerator === "kvm" && !existsSync("/dev/kvm"))
    return { booted: false, reason: "this machine has no /dev/kvm" };
  await mkdir(dataDirectory, { recursive: true });
  await removeLeftovers(dataDirectory);
  const scratch = await mkdtemp(join(dataDirectory, `${SCRATCH}${process.pid}-`));
  try {
    await writeFile(join(scratch, "initramfs"), initramfs(tinyInit(USER_LAND_LINE)));
    return await boot(engineRoot, scratch, accelerator, deadlineMs);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Scratch directories whose makers were killed. */
async function removeLeftovers(dataDirectory: string): Promise<void> {
  for (const name of await readdir(dataDirectory)) {
    const maker = SCRATCH_OF.exec(name)?.[1];
    if (maker !== undefined && readProcess(Number(maker)) === null)
      // eslint-disable-next-line no-await-in-loop -- there is hardly ever one
      await rm(join(dataDirectory, name), { recursive: true, force: true });
  }
}

function probeCommand(engineRoot: string, scratch: string, accelerator: "kvm" | "tcg"): string[] {
  const jail: Jail = {
    root: engineRoot,
    binds: [
      { from: scratch, mode: "read" },
      ...(accelerator === "kvm" ? [{ from: "/dev/kvm", mode: "device" } as const] : []),
    ],
    unshare: ["pid", "ipc", "uts", "net"],
    endsWithStarter: true,
    capabilities: ["dac_override"],
  };
  return jailCommand(jail, [
    "qemu-system-x86_64",
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-machine",
    "q35",
    "-accel",
    accelerator,
    "-cpu",
    accelerator === "kvm" ? "host" : "max",
    "-m",
    "256",
    "-serial",
    "stdio",
    "-kernel",
    "/usr/lib/andromede/probe-kernel",
    "-initrd",
    join(scratch, "initramfs"),
    "-append",
    "console=ttyS0 panic=-1",
  ]);
}

function boot(engineRoot: string, scratch: string, accelerator: "kvm" | "tcg", deadlineMs: number): Promise<Outcome> {
  const [program = "", ...args] = probeCommand(engineRoot, scratch, accelerator);
  return new Promise((resolve, reject) => {
    // A group of its own, so that QEMU ends with bubblewrap.
    const child = spawn(program, args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: jailEnvironmentOnHost(),
    });
    let serial = "";
    let errors = "";
    let outcome: Outcome | undefined;
    const end = (found: Outcome): void => {
      outcome ??= found;
      clearTimeout(timer);
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(
      () =>
        end({
          booted: false,
          reason: `a guest kernel did not reach its user land within ${deadlineMs / 1000} s; ${lastWords(serial, errors)}`,
        }),
      deadlineMs,
    );
    child.stdout.setEncoding("latin1").on("data", (chunk: string) => {
      serial += chunk;
      if (serial.includes(USER_LAND_LINE.trim()))
        end({ booted: true, reason: "a guest kernel booted to its user land" });
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk));
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(
        outcome ?? { booted: false, reason: `QEMU ended before the guest's user land; ${lastWords(serial, errors)}` },
      );
    });
  });
}

const jailEnvironmentOnHost = (): { [name: string]: string } => ({
  ...jailEnvironment,
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
});

/** The end of what QEMU complained of, else of what the guest said. */
function lastWords(serial: string, errors: string): string {
  const complaints = errors.trim().split("\n");
  const complaint = complaints.find((line) => /error|fail/i.test(line)) ?? complaints[0];
  if (complaint !== undefined && complaint !== "") return `QEMU: ${complaint}`;
  const said = serial.trim().split(/\r?\n/).at(-1);
  return said === undefined || said === ""
    ? "it said nothing"
    : `its last words: ${said.replace(/[^\x20-\x7e]/g, "").slice(0, 120)}`;
}
