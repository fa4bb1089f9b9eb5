/**
 * The engine root: a Debian 13 file system that holds every engine, built once into `<data>/engines/<hash>`.
 *
 * The hash covers the package list and the recipe below, so another list or recipe is another root, and an upgrade is a
 * new root and a switch. It is built in a temporary directory beside its final place and renamed when whole: after a
 * kill at any instant there is either no root or a complete one. What went in is recorded, package by package.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { unavailable } from "@andromede/base/errors";

import { type Jail, jailCommand, jailEnvironment } from "./jail.ts";
import { type CommandOptions, runCommand } from "./run-command.ts";

const SUITE = "trixie";
const DEFAULT_MIRROR = "http://deb.debian.org/debian";

/**
 * Run by mmdebstrap with the new root as $1. Debian's kernel (for the KVM probe) is unpacked without its modules, and
 * without installing it, which would bring an initramfs generator along.
 */
const CUSTOMIZE = `set -e
cd "$1"
meta=linux-image-cloud-amd64
image=$(chroot . apt-cache depends --no-recommends $meta | sed -n 's/^ *Depends: \\(linux-image-[0-9].*\\)$/\\1/p' | head -n 1)
mkdir -p tmp/kernel usr/lib/andromede
chroot . sh -c "cd /tmp/kernel && apt-get -q -o APT::Sandbox::User=root download $image" >&2
chroot . sh -c 'dpkg-deb --fsys-tarfile /tmp/kernel/*.deb | tar -x -C /tmp/kernel --wildcards "./boot/vmlinuz-*"' >&2
mv tmp/kernel/boot/vmlinuz-* usr/lib/andromede/probe-kernel
chroot . sh -c 'dpkg-deb -W /tmp/kernel/*.deb' > usr/lib/andromede/probe-kernel.package
rm -rf tmp/kernel
`;

export type EngineRoot = { directory: string; hash: string };

/** Names of the packages in the list. */
export function parsePackageList(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

/** What the root is identified by: its packages and how it is made. */
export function engineRootHash(packages: string[], recipe: string): string {
  return createHash("sha256")
    .update(JSON.stringify([SUITE, packages.toSorted(), recipe]))
    .digest("hex")
    .slice(0, 16);
}

/** Where the root of this version of the program is, or would be, below a data directory. */
export async function locateEngineRoot(dataDirectory: string): Promise<EngineRoot> {
  const packages = parsePackageList(await readFile(fileURLToPath(new URL("packages.txt", import.meta.url)), "utf8"));
  const hash = engineRootHash(packages, CUSTOMIZE);
  return { hash, directory: join(dataDirectory, "engines", hash) };
}

/** Whether a root was built to its end. */
export const isEngineRootBuilt = (root: EngineRoot): boolean =>
  existsSync(`${root.directory}.packages`) && existsSync(root.directory);

/** Builds the root unless it is there. Idempotent; MUST NOT run twice at once on one data directory (the caller locks). */
export async function ensureEngineRoot(dataDirectory: string, onProgress: (line: string) => void): Promise<EngineRoot> {
  const root = await locateEngineRoot(dataDirectory);
  if (isEngineRootBuilt(root)) return root;
  const engines = join(dataDirectory, "engines");
  await mkdir(engines, { recursive: true, mode: 0o755 });
  await removeUnfinished(engines);
  const work = await mkdtemp(join(engines, ".building-"));
  try {
    await build(work, onProgress);
    await writeFile(`${root.directory}.packages`, await installedPackages(join(work, "root")));
    await rm(root.directory, { recursive: true, force: true });
    await rename(join(work, "root"), root.directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return root;
}

/** A build that was killed leaves its directory behind. */
async function removeUnfinished(engines: string): Promise<void> {
  const left = (await readdir(engines)).filter((name) => name.startsWith(".building-"));
  await Promise.all(left.map((name) => rm(join(engines, name), { recursive: true, force: true })));
}

async function build(work: string, onProgress: (line: string) => void): Promise<void> {
  const packages = parsePackageList(await readFile(fileURLToPath(new URL("packages.txt", import.meta.url)), "utf8"));
  const hook = join(work, "customize.sh");
  await writeFile(hook, CUSTOMIZE, { mode: 0o755 });
  const mirror = process.env["ANDROMEDE_DEBIAN_MIRROR"] ?? DEFAULT_MIRROR;
  await runCommand(
    [
      "mmdebstrap",
      "--variant=minbase",
      "--mode=root",
      "--format=directory",
      '--aptopt=APT::Install-Recommends "false"',
      '--aptopt=Acquire::Retries "5"',
      "--dpkgopt=path-exclude=/usr/share/man/*",
      "--dpkgopt=path-exclude=/usr/share/locale/*",
      `--include=${packages.join(",")}`,
      `--customize-hook=sh ${hook} "$1"`,
      SUITE,
      join(work, "root"),
      `deb ${mirror} ${SUITE} main`,
    ],
    { onProgress },
  );
  await assertComplete(join(work, "root"));
}

/** A package that moved its programs should be noticed here, not when an engine fails to start. */
async function assertComplete(root: string): Promise<void> {
  const needed = [
    "usr/lib/postgresql/17/bin/postgres",
    "usr/sbin/ovsdb-server",
    "usr/bin/ovn-northd",
    "usr/bin/ovn-controller",
    "usr/bin/qemu-system-x86_64",
    "usr/sbin/haproxy",
    "usr/lib/andromede/probe-kernel",
  ];
  await Promise.all(
    needed.map(async (file) => {
      try {
        await stat(join(root, file));
      } catch (cause) {
        throw unavailable(`the engine root was built without ${file}`, { cause });
      }
    }),
  );
}

async function installedPackages(root: string): Promise<string> {
  const list = await runCommand(["chroot", root, "dpkg-query", "--show", "--showformat=${Package} ${Version}\\n"]);
  const kernel = (await readFile(join(root, "usr/lib/andromede/probe-kernel.package"), "utf8"))
    .trim()
    .replace("\t", " ");
  return `${[...list.trim().split("\n"), kernel].toSorted().join("\n")}\n`;
}

/** Runs one command inside the root to its end; gives standard output. */
export function runInJail(jail: Jail, command: string[], options: CommandOptions = {}): Promise<string> {
  return runCommand(jailCommand(jail, command), {
    label: command.join(" "),
    ...options,
    environment: { ...jailEnvironment, PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.environment },
  });
}
