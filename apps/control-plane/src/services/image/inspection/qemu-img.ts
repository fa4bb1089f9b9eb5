/**
 * qemu-img on a customer's file, in a jail: of the machine it sees the engine root's programs and that one file, both
 * read-only; no network; no privileges; bounded memory, processor time and wall-clock time.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";

import { invalid, unavailable } from "@andromede/base/errors";
import { isObject } from "@andromede/base/json";

import type { QemuInfo } from "./verdict.ts";

/** As OpenStack's: 1 GiB and 30 s (Nova's and Glance's limits on qemu-img). */
const LIMITS = ["--as=1073741824", "--cpu=30", "--fsize=0", "--nofile=64", "--core=0"];
const WALL_CLOCK_MS = 60_000;
const MAX_OUTPUT = 256 * 1024;
const AT_ONCE = 2;
/** nobody */
const UID = "65534";

/** The command line. `isRoot`: where the control plane runs as root, the jail's process gives that up itself. */
export function jailedQemuImg(engineRoot: string, file: string, isRoot: boolean): string[] {
  const unshared = ["ipc", "pid", "net", "uts", "cgroup-try"].map((name) => `--unshare-${name}`);
  const links = ["bin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]);
  const drop = ["setpriv", "--reuid", UID, "--regid", UID, "--clear-groups", "--no-new-privs"];
  const dropAll = [...drop, "--inh-caps=-all", "--bounding-set=-all"];
  return ["bwrap", "--die-with-parent", "--new-session"].concat(
    unshared,
    ["--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LC_ALL", "C.UTF-8"],
    ["--ro-bind", join(engineRoot, "usr"), "/usr"],
    links,
    // no /proc: qemu-img needs none, and inside the control plane's own jail the kernel refuses to mount one
    ["--dev", "/dev", "--ro-bind", file, "/image", "--chdir", "/", "--"],
    ["prlimit", ...LIMITS, "--"],
    isRoot ? dropAll : [],
    ["qemu-img", "info", "--output=json", "-f", "qcow2", "/image"],
  );
}

let running = 0;
const waiting: (() => void)[] = [];

/** What qemu-img says of a qcow2 file. Throws `invalid` when it cannot make sense of it. */
export async function qemuImgInfo(engineRoot: string, file: string): Promise<QemuInfo> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    const output = await run(jailedQemuImg(engineRoot, file, process.getuid?.() === 0));
    const value: unknown = JSON.parse(output);
    if (!isObject(value)) throw unavailable("qemu-img said nothing that makes sense");
    return value;
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

function run(argv: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const [program = "", ...args] = argv;
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: WALL_CLOCK_MS,
      killSignal: "SIGKILL",
    });
    const said = { out: "", err: "" };
    const keep = (name: "out" | "err") => (chunk: Buffer) => {
      if (said[name].length < MAX_OUTPUT) said[name] += chunk.toString();
      // an image with 65,536 snapshots has as many things to say
      else child.kill("SIGKILL");
    };
    child.stdout.on("data", keep("out"));
    child.stderr.on("data", keep("err"));
    child.once("error", (cause) => reject(unavailable("The image cannot be inspected now", { cause })));
    child.once("close", (code, signal) => {
      if (code === 0) return resolve(said.out);
      const cause = new Error(`${program} ended with ${code ?? signal}: ${said.err.slice(0, 2000)}`);
      // 1 is qemu-img's own "I cannot read this"; a signal is a limit of the jail: both are the image's fault
      if (code === 1 && said.err.startsWith("qemu-img:"))
        return reject(invalid("The qcow2 image cannot be read", { cause }));
      if (signal !== null || (code !== null && code > 128))
        return reject(invalid("The qcow2 image takes too much to inspect", { cause }));
      return reject(unavailable("The image cannot be inspected now", { cause }));
    });
  });
}
