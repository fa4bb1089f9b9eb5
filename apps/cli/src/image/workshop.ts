import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";

import { internal, messageOf, unavailable } from "@andromede/base/errors";

/**
 * Everything an image is made of and with comes from Debian's archive: packages are unpacked, not installed, into a
 * folder (the workshop), and the assembling script runs inside it, without network, seeing only its recipe and its
 * output. So neither the machine's distribution nor its tools leave a trace in the image.
 */

export type Output = { log: (line: string) => void; onStep: (step: string) => void };

export const DEBIAN_SUITE = "trixie";

/** The archive lines for apt; `mirror` is the address before /debian and /debian-security. */
export function debianSources(mirror: string): string[] {
  const base = mirror.replace(/\/+$/, "");
  return [
    `deb ${base}/debian ${DEBIAN_SUITE} main`,
    `deb ${base}/debian ${DEBIAN_SUITE}-updates main`,
    `deb ${base}/debian-security ${DEBIAN_SUITE}-security main`,
  ];
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Of the caller's environment only the way to the archive passes. */
function cleanEnvironment(extra: Record<string, string>): Record<string, string> {
  const kept = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  const passed = kept.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C",
    TZ: "UTC",
    ...Object.fromEntries(passed),
    ...extra,
  };
}

/** Runs a program to its end; lines `step: ...` are steps, the others go to the log. It ends with us, even by kill -9. */
export async function runProgram(
  argv: readonly string[],
  environment: Record<string, string>,
  output: Output,
): Promise<void> {
  const [name = ""] = argv;
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: cleanEnvironment(environment),
  });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      const step = /^step: (.*)/.exec(line)?.[1];
      if (step !== undefined) return output.onStep(step);
      last.push(line);
      if (last.length > 15) last.shift();
      output.log(line);
    });
  }
  await new Promise<void>((resolve, reject) => {
    child.on("error", (cause) => reject(unavailable(`${name} could not be started: ${messageOf(cause)}`, { cause })));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      reject(internal(`${name} failed (${signal ?? `exit ${code}`}):\n${last.join("\n")}`));
    });
  });
}

/**
 * mmdebstrap's arguments for what follows them. As root it would mount into the machine's own namespace, so it gets one
 * that dies with it, processes and mounts; as an ordinary user it makes itself a user namespace anyway.
 */
function mmdebstrap(variant: "extract" | "minbase", packages: readonly string[], hooks: readonly string[]): string[] {
  return [
    ...(isRoot() ? ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"] : []),
    "mmdebstrap",
    `--variant=${variant}`,
    `--mode=${isRoot() ? "root" : "unshare"}`,
    "--architectures=amd64",
    '--aptopt=APT::Install-Recommends "false"',
    `--include=${packages.join(",")}`,
    ...hooks,
    DEBIAN_SUITE,
  ];
}

/** Unpacks `packages` and what they depend on into `<folder>/workshop`, with packages.txt and owners.txt at its top. */
export async function makeWorkshop(
  options: { packages: readonly string[]; sharedFolder: string; folder: string; mirror: string },
  output: Output,
): Promise<string> {
  const workshop = path.join(options.folder, "workshop");
  const archive = path.join(options.folder, "workshop.tar");
  const hooks = [`--extract-hook=${path.join(options.sharedFolder, "record-packages.sh")}`];
  const argv = [...mmdebstrap("extract", options.packages, hooks), archive, ...debianSources(options.mirror)];
  await runProgram(argv, { TMPDIR: options.folder }, output);
  await mkdir(workshop);
  await runProgram(["tar", "-x", "--no-same-owner", "--exclude=./dev/*", "-f", archive, "-C", workshop], {}, output);
  return workshop;
}

/** Installs a whole Debian system from `packages` into the archive `<folder>/out/root.tar`; `customize` runs in the end. */
export async function makeSystem(
  options: { packages: readonly string[]; customize: string; folder: string; mirror: string; epoch: string },
  output: Output,
): Promise<void> {
  const hooks = [
    `--customize-hook=${options.customize}`,
    `--customize-hook=download /packages.txt ${path.join(options.folder, "out", "packages.txt")}`,
    '--customize-hook=rm "$1/packages.txt"',
  ];
  const archive = path.join(options.folder, "out", "root.tar");
  const argv = [...mmdebstrap("minbase", options.packages, hooks), archive, ...debianSources(options.mirror)];
  await runProgram(argv, { TMPDIR: options.folder, SOURCE_DATE_EPOCH: options.epoch }, output);
}

/** The prefix that runs a program with `root` as its whole file system, no network, and `binds` besides. */
export function jailArguments(
  root: string,
  access: "read" | "write",
  binds: { readOnly?: [string, string][]; writable?: [string, string][] },
): string[] {
  return [
    "bwrap",
    ...(isRoot() ? [] : ["--unshare-user", "--uid", "0", "--gid", "0"]),
    access === "read" ? "--ro-bind" : "--bind",
    root,
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--tmpfs",
    "/tmp",
    ...(binds.readOnly ?? []).flatMap(([from, to]) => ["--ro-bind", from, to]),
    ...(binds.writable ?? []).flatMap(([from, to]) => ["--bind", from, to]),
    "--unshare-net",
    "--unshare-pid",
    "--unshare-ipc",
    "--die-with-parent",
    "--new-session",
  ];
}
