/**
 * The command line that runs a program inside the engine root.
 *
 * bubblewrap builds a file system from nothing: the engine root's /usr and /etc read-only, fresh /proc, /dev, /tmp and
 * /run, then the binds the caller names one by one. Whatever is not named does not exist inside. `--die-with-parent`
 * is deliberately absent unless asked for: an engine MUST outlive whoever started it.
 *
 * bubblewrap starts as root, without a user namespace, so user ids mean the same inside and outside (PostgreSQL's peer
 * authentication depends on it); `setpriv`, from the engine root, then gives up all that the program does not need.
 */

/** A path of the machine shown inside, at the same place unless `to` says otherwise. */
export type Bind = { from: string; to?: string; mode: "read" | "write" | "device" };

export type Jail = {
  /** The engine root's directory. */
  root: string;
  binds: Bind[];
  /** Namespaces the program does not share with the machine. */
  unshare: ("pid" | "ipc" | "uts" | "net")[];
  /** Who it runs as; root with only `capabilities` left when absent. */
  user?: { uid: number; gid: number; groups?: number[] };
  /** Capabilities kept, e.g. `net_admin`; none by default. */
  capabilities?: string[];
  /** Name of a network namespace made with `ip netns add`. */
  networkNamespace?: string;
  workingDirectory?: string;
  /** It ends when whoever started it does, however that ended. Needs the "pid" namespace to reach what it started. */
  endsWithStarter?: boolean;
};

const ROOT_LINKS = ["bin", "sbin", "lib", "lib64"];

/** The environment every jailed program gets. */
export const jailEnvironment = { PATH: "/usr/sbin:/usr/bin", LANG: "C.UTF-8", HOME: "/tmp" };

/** The whole argv that runs `command` in the jail. Pure. */
export function jailCommand(jail: Jail, command: string[]): string[] {
  return [
    ...enterNetwork(jail),
    "bwrap",
    ...rootArguments(jail),
    ...parentDirectories(jail.binds),
    ...jail.binds.flatMap(bindArguments),
    ...jail.unshare.map((name) => `--unshare-${name}`),
    ...(jail.endsWithStarter === true ? ["--die-with-parent"] : []),
    "--chdir",
    jail.workingDirectory ?? "/",
    "--",
    ...dropPrivileges(jail),
    ...command,
  ];
}

function enterNetwork(jail: Jail): string[] {
  return jail.networkNamespace === undefined ? [] : ["nsenter", `--net=/run/netns/${jail.networkNamespace}`, "--"];
}

function rootArguments(jail: Jail): string[] {
  return [
    "--ro-bind",
    `${jail.root}/usr`,
    "/usr",
    "--ro-bind",
    `${jail.root}/etc`,
    "/etc",
    ...ROOT_LINKS.flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--perms",
    "1777",
    "--tmpfs",
    "/tmp",
    "--tmpfs",
    "/run",
    "--dir",
    "/var",
    "--symlink",
    "/run",
    "/var/run",
  ];
}

/**
 * Every directory above a bind, made first: bubblewrap would make them too, but for root alone when what is bound is
 * closed to others, and then our own users could not reach what they own.
 */
function parentDirectories(binds: Bind[]): string[] {
  const parents = new Set<string>();
  for (const { from, to } of binds) {
    const parts = (to ?? from).split("/").slice(1, -1);
    parts.forEach((_, index) => parents.add(`/${parts.slice(0, index + 1).join("/")}`));
  }
  const given = (path: string): boolean =>
    ["/usr", "/etc", "/proc", "/dev", "/tmp", "/run"].includes(`/${path.split("/")[1] ?? ""}`) &&
    !/^\/(tmp|run)\/./.test(path);
  return [...parents]
    .toSorted()
    .filter((path) => !given(path))
    .flatMap((path) => ["--dir", path]);
}

function bindArguments(bind: Bind): string[] {
  const flag = { read: "--ro-bind", write: "--bind", device: "--dev-bind" }[bind.mode];
  return [flag, bind.from, bind.to ?? bind.from];
}

function dropPrivileges(jail: Jail): string[] {
  const kept = (jail.capabilities ?? []).map((name) => `,+${name}`).join("");
  const sets = [`--bounding-set=-all${kept}`, "--inh-caps=-all", "--no-new-privs"];
  if (jail.user === undefined) return ["setpriv", ...sets];
  const { uid, gid, groups } = jail.user;
  const supplementary = groups === undefined || groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`;
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, supplementary, ...sets];
}
