/** Where everything of an instance lives: one directory of the data directory, and nothing outside it. */
import { join } from "node:path";

import { invalid } from "@andromede/base/errors";

export const DEFAULT_DATA_DIRECTORY = "/var/lib/andromede";
export const DEFAULT_INSTANCE = "andromede";

/** A unix socket's path may be 107 bytes long; the longest we make below an instance directory is this. */
const LONGEST_BELOW = "/run/host100/ovs/ovsdb-server.ctl".length + 12;
const LONGEST_SOCKET = 107;

/** Our own programs. */
export type ProgramName = "control-plane" | "host-agent" | "object-store";

export type InstancePaths = {
  data: string;
  instance: string;
  directory: string;
  config: string;
  secrets: string;
  tls: string;
  log: string;
  run: string;
  programs: string;
  postgres: string;
  ovn: string;
  images: string;
  /** Files of volumes, and of their backups. */
  volumes: string;
  backups: string;
  /** Bytes of the object store. */
  objects: string;
  cloudsYaml: string;
  builtImages: string;
};

/** Names go into namespaces, links and systemd units, hence the narrow alphabet. */
export function assertInstanceName(name: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 20) {
    throw invalid(`--instance: "${name}" is not 1 to 20 lower-case letters, digits and single dashes, a letter first`);
  }
  // the data directory's own subdirectories
  if (["engines", "built-images"].includes(name)) throw invalid(`--instance: "${name}" is reserved`);
}

/** The paths of one instance. Pure. */
export function instancePaths(data: string, instance: string): InstancePaths {
  assertInstanceName(instance);
  const directory = join(data, instance);
  if (directory.length + LONGEST_BELOW > LONGEST_SOCKET)
    throw invalid(`--data: ${data} is too long a path for the sockets below it`);
  const below = (name: string): string => join(directory, name);
  return {
    data,
    instance,
    directory,
    config: below("config.json"),
    secrets: below("secrets"),
    tls: below("tls"),
    log: below("log"),
    run: below("run"),
    programs: below("programs"),
    postgres: below("postgres"),
    ovn: below("ovn"),
    images: below("images"),
    volumes: below("volumes"),
    backups: below("backups"),
    objects: below("objects"),
    cloudsYaml: below("clouds.yaml"),
    builtImages: join(data, "built-images"),
  };
}

export const hostRunDirectory = (paths: InstancePaths, host: string): string => join(paths.run, host);
export const hostDataDirectory = (paths: InstancePaths, host: string): string => join(paths.directory, "hosts", host);
export const agentSocket = (paths: InstancePaths, host: string): string =>
  join(hostRunDirectory(paths, host), "agent.sock");
export const networkNamespace = (paths: InstancePaths, host: string): string => `${paths.instance}-${host}`;

/**
 * Where a program keeps its modules as Node has compiled them (NODE_COMPILE_CACHE). Without it every start loads the
 * compiler that takes the types out of our sources, and that stays in memory for good. A directory for each program, its
 * own user's: nobody runs what another user could have written.
 */
export const compileCache = (directory: string, program: ProgramName | "supervisor"): string =>
  join(directory, "cache", program);
