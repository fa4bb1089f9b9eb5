/**
 * A guest with a kernel, for what only a kernel does: seeing disks come, grow and go. It is the boot part of the mini image
 * with one word of its kernel's command line replaced: its first and only process is a shell on the serial console.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";

import type { AgentClient } from "@andromede/agent-api/client";
import { unavailable } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";
import { inEngineRoot, runProcess } from "@andromede/testkit/engines";

/** Partition table, boot loader and the file system with kernel and initramfs (images/mini/assemble.sh). */
const BOOT_BYTES = 26 * 1024 * 1024;
const REPLACED = "root=LABEL=mini-root";
const WAIT = { timeoutMs: 60_000, everyMs: 20 };

let image: Promise<Buffer> | undefined;

/** The bytes of a raw disk image that boots it. */
export function linuxGuestImage(engineRoot: string): Promise<Buffer> {
  image ??= make(engineRoot);
  return image;
}

async function make(engineRoot: string): Promise<Buffer> {
  const mini = miniImage();
  const directory = mkdtempSync(join(tmpdir(), "andromede-linux-"));
  try {
    const raw = join(directory, "raw");
    const argv = ["qemu-img", "dd", "-f", "qcow2", "-O", "raw", "bs=1048576", `count=${BOOT_BYTES / 2 ** 20}`];
    await runProcess(inEngineRoot(engineRoot, [dirname(mini), directory], [...argv, `if=${mini}`, `of=${raw}`]));
    const bytes = readFileSync(raw);
    const at = bytes.indexOf(REPLACED);
    if (at < 0) throw unavailable(`${mini} has another kernel command line than expected`);
    bytes.write("rdinit=/bin/sh".padEnd(REPLACED.length), at, "latin1");
    return bytes;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `ANDROMEDE_MINI_IMAGE` (`./andromede test` builds it and says where it is), else the one that `./andromede up` built here. */
function miniImage(): string {
  const built = join(process.env["ANDROMEDE_DATA"] ?? "/var/lib/andromede", "built-images/mini.qcow2");
  const image = process.env["ANDROMEDE_MINI_IMAGE"] ?? built;
  if (!existsSync(image)) throw unavailable("no mini image: run ./andromede up, or set ANDROMEDE_MINI_IMAGE");
  return image;
}

export type Shell = {
  /** Runs a command line in the guest; gives what it printed. */
  run(command: string): Promise<string>;
  close(): void;
};

/** Opens the guest's shell. `fresh`: it just booted, so that it has yet to mount what a shell needs. */
export async function openShell(client: AgentClient, guestId: string, fresh = true): Promise<Shell> {
  const serial = await client.openStream(guestId, "serial");
  const booted = async (): Promise<boolean> => (await client.consoleText(guestId, undefined)).includes("~ #");
  return shellOn(serial, { fresh, booted });
}

/** The same on a guest's serial console. `booted`: whether it said so before this listened. */
export async function shellOn(
  serial: Duplex,
  { fresh, booted }: { fresh: boolean; booted: () => Promise<boolean> },
): Promise<Shell> {
  let output = "";
  serial.setEncoding("latin1").on("data", (text: string) => {
    output += text;
  });
  let calls = 0;
  const said = (what: string): Promise<true> =>
    waitUntil(`the guest to say ${what}`, () => output.includes(what), WAIT);
  const run = async (command: string): Promise<string> => {
    calls += 1;
    output = "";
    // Quoted in halves, so that the echo of the command is not taken for its end.
    serial.write(`echo beg''in${calls}; ${command}; echo en''d${calls}\n`);
    await said(`end${calls}\r\n`);
    const text = output.slice(output.indexOf(`begin${calls}\r\n`) + `begin${calls}\r\n`.length);
    return text
      .slice(0, text.indexOf(`end${calls}\r\n`))
      .replaceAll("\r\n", "\n")
      .trim();
  };
  if (fresh) {
    await waitUntil("the guest's shell", async () => output.includes("~ #") || (await booted()), WAIT);
    await run("export PATH=/bin; busybox stty -echo; busybox dmesg -n 1");
    await run("mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sysfs /sys");
    await run('while read -r module; do insmod "/modules/$module.ko"; done </modules/virtio_blk.list');
  }
  return { run, close: () => serial.destroy() };
}
