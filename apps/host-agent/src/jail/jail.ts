/**
 * Command lines that run a program of the engine root, seeing nothing but what is named. Pure.
 *
 * Order of the wrappers, outermost first: a shell that puts itself into control groups; nsenter into a network
 * namespace; bubblewrap, which makes the mount (and process) namespace; setpriv, which drops the user and every
 * capability. bubblewrap runs as root and makes no user namespace, so nothing depends on those being allowed.
 */

export type Bind = { source: string; target: string; writable?: boolean };

/** `source`: where on the machine the node is that appears as `target`. */
export type Device = { source: string; target: string };

export type Jail = {
  engineRoot: string;
  binds: readonly Bind[];
  /** Device nodes besides null, zero, full, random, urandom and tty. */
  devices?: readonly Device[];
  /** "none": an empty namespace. A path: that namespace. "inherit": the caller's. */
  network: "none" | "inherit" | { path: string };
  /** null: stays root, with `capabilities` only. */
  user: { uid: number; gid: number } | null;
  capabilities?: readonly string[];
  /** `cgroup.procs` files to enter first. */
  cgroups?: readonly string[];
  limits?: { addressSpaceBytes?: number; cpuSeconds?: number; fileBytes?: number };
  /** Files in the jail's own memory, each filled from a descriptor that the command inherits. Every process in it may read them. */
  secrets?: readonly { descriptor: number; target: string }[];
  /** It and all it started die when whoever started it does, however that dies. */
  diesWithStarter?: boolean;
};

const ENTER_CGROUPS = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 126; shift; done; shift; exec "$@"';

/** The command line of `argv` (a program of the engine root) in the jail. */
export function jailCommand(jail: Jail, argv: readonly string[]): string[] {
  return [
    ...cgroupPart(jail),
    ...networkPart(jail),
    ...sandboxPart(jail),
    ...limitPart(jail),
    ...userPart(jail),
    ...argv,
  ];
}

function cgroupPart({ cgroups = [] }: Jail): string[] {
  return cgroups.length === 0 ? [] : ["/bin/sh", "-c", ENTER_CGROUPS, "sh", ...cgroups, "--"];
}

function networkPart({ network }: Jail): string[] {
  return typeof network === "string" ? [] : ["nsenter", `--net=${network.path}`];
}

function sandboxPart(jail: Jail): string[] {
  const { engineRoot, binds, devices = [], secrets = [], user, network } = jail;
  const capabilities = user === null ? (jail.capabilities ?? []) : ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"];
  return [
    ["bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts"],
    // A program that becomes another user forgets whose death it dies with, bubblewrap's own first process does not.
    [jail.diesWithStarter === true ? "--die-with-parent" : "--as-pid-1"],
    network === "none" ? ["--unshare-net"] : [],
    ["--ro-bind", `${engineRoot}/usr`, "/usr"],
    ["lib", "lib64", "bin", "sbin"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    // bubblewrap makes missing parents with mode 0700, which another user could not enter.
    ["--perms", "0755", "--dir", "/etc"],
    ["--ro-bind", `${engineRoot}/etc/ld.so.cache`, "/etc/ld.so.cache"],
    ["--dev", "/dev"],
    devices.flatMap(({ source, target }) => [...parentOf(target), "--dev-bind", source, target]),
    parents([...binds, ...secrets]),
    secrets.flatMap(({ descriptor, target }) => ["--perms", "0444", "--file", String(descriptor), target]),
    binds.flatMap(({ source, target, writable }) => [writable === true ? "--bind" : "--ro-bind", source, target]),
    ["--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin", "--chdir", "/"],
    ["--cap-drop", "ALL"],
    capabilities.flatMap((capability) => ["--cap-add", capability]),
  ].flat();
}

function parentOf(path: string): string[] {
  const parent = path.slice(0, path.lastIndexOf("/"));
  return parent === "" || parent === "/dev" ? [] : ["--perms", "0755", "--dir", parent];
}

/** Every directory above the targets, shallow first, each once. */
function parents(binds: readonly { target: string }[]): string[] {
  const directories = new Set<string>();
  for (const { target } of binds) {
    const segments = target.split("/").slice(1, -1);
    segments.forEach((_segment, at) => directories.add(`/${segments.slice(0, at + 1).join("/")}`));
  }
  directories.delete("/etc");
  return [...directories].flatMap((directory) => ["--perms", "0755", "--dir", directory]);
}

function limitPart({ limits }: Jail): string[] {
  if (limits === undefined) return [];
  return [
    "prlimit",
    "--core=0",
    ...(limits.addressSpaceBytes === undefined ? [] : [`--as=${limits.addressSpaceBytes}`]),
    ...(limits.cpuSeconds === undefined ? [] : [`--cpu=${limits.cpuSeconds}`]),
    ...(limits.fileBytes === undefined ? [] : [`--fsize=${limits.fileBytes}`]),
  ];
}

function userPart({ user }: Jail): string[] {
  if (user === null) return [];
  return [
    "setpriv",
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--no-new-privs",
  ];
}
