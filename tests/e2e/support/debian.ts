/**
 * Debian 12 with its own clients and its tempest 33, in a root file system of the tests' own: the machine's Python is nobody's
 * business, and the versions are the same whatever Debian the machine runs. Built once, as the engine root is.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { DATA } from "./cloud.ts";
import { type Finished, run, tryRun } from "./run.ts";

const SUITE = "bookworm";
const TEMPEST_PACKAGES = ["tempest", "python3-stestr", "python3-subunit", "iputils-ping", "openssh-client"];
const OBJECT_PACKAGES = [
  "awscli",
  "ca-certificates",
  "duplicity",
  "python3-boto3",
  "python3-keystoneclient",
  "python3-swiftclient",
  "rclone",
  "restic",
  "s3cmd",
  "s3fs",
];
const PACKAGES = [...TEMPEST_PACKAGES, ...OBJECT_PACKAGES];
const TEMPEST = /^python3-tempest 1:33\.0\.0-/m;

/** The root's directory. MUST NOT run twice at once. */
export async function ensureDebian(): Promise<string> {
  const hash = createHash("sha256")
    .update(JSON.stringify([SUITE, PACKAGES]))
    .digest("hex")
    .slice(0, 16);
  const directory = join(DATA, ".debian", hash);
  if (existsSync(directory)) return directory;
  await mkdir(join(DATA, ".debian"), { recursive: true });
  const work = await mkdtemp(join(DATA, ".debian", "building-"));
  try {
    await build(join(work, "root"));
    await rename(join(work, "root"), directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return directory;
}

async function build(root: string): Promise<void> {
  const mirror = process.env["ANDROMEDE_DEBIAN_MIRROR"] ?? "http://deb.debian.org/debian";
  await run(
    [
      "mmdebstrap",
      "--variant=minbase",
      "--mode=root",
      "--format=directory",
      '--aptopt=APT::Install-Recommends "false"',
      '--aptopt=Acquire::Retries "5"',
      "--dpkgopt=path-exclude=/usr/share/man/*",
      "--dpkgopt=path-exclude=/usr/share/doc/*",
      `--include=${PACKAGES.join(",")}`,
      SUITE,
      root,
      `deb ${mirror} ${SUITE} main`,
    ],
    { timeoutMs: 20 * 60_000 },
  );
  const installed = await run(["chroot", root, "dpkg-query", "--show", "--showformat=${Package} ${Version}\\n"]);
  if (!TEMPEST.test(installed))
    throw new Error("Debian 12 has another tempest than 33.0.0 now: the lists are for that one");
  await writeFile(`${root}/packages`, installed);
}

/** The device by which programs make file systems. */
export const FUSE = "/dev/fuse";

/**
 * One command in the root, on the machine's network: floating addresses answer there. `directory`, below /tmp, is shared with it.
 * What it mounts (`mayMount`; the machine must have FUSE) nobody else sees, and goes with it.
 */
export function inDebian(
  root: string,
  place: { directory: string; environment?: { [name: string]: string }; mayMount?: boolean },
  command: string[],
  timeoutMs: number,
): Promise<Finished> {
  return tryRun(
    [
      "bwrap",
      "--ro-bind",
      root,
      "/",
      "--dev",
      "/dev",
      "--proc",
      "/proc",
      "--tmpfs",
      "/tmp",
      "--bind",
      place.directory,
      place.directory,
      ...(place.mayMount === true ? ["--dev-bind", FUSE, FUSE, "--cap-add", "CAP_SYS_ADMIN"] : []),
      "--unshare-pid",
      "--die-with-parent",
      "--clearenv",
      ...Object.entries({
        PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
        LANG: "C.UTF-8",
        HOME: "/tmp",
        PYTHON: "/usr/bin/python3",
        ...place.environment,
      }).flatMap(([name, value]) => ["--setenv", name, value]),
      "--chdir",
      place.directory,
      "--",
      ...command,
    ],
    { timeoutMs },
  );
}
