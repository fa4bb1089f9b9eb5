/** A whole cloud for a scenario: `./andromede up`, and the clients an operator's customer would use. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { type Finished, run, tryRun } from "./run.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
export const DATA = process.env["ANDROMEDE_TEST_DATA"] ?? "/var/tmp/andromede-test";

export type Cloud = {
  instance: string;
  directory: string;
  /** Name of the first host's network namespace. */
  namespace: string;
  /** The command line of `./andromede` for this cloud. */
  command(...args: string[]): string[];
  andromede(...args: string[]): Promise<string>;
  tryAndromede(...args: string[]): Promise<Finished>;
  /** Debian's own client, unmodified, as the demo customer (or as the operator). JSON out. */
  openstack(...args: string[]): Promise<never>;
  operator(...args: string[]): Promise<never>;
  /** The client's exit code and words, for what must fail. */
  tryOpenstack(...args: string[]): Promise<Finished>;
  /** As another customer: OS_* variables laid over. */
  openstackAs(env: { [name: string]: string }, ...args: string[]): Promise<never>;
  /** A program of the engine root that sees the cloud's directory: ovn-nbctl, ovs-vsctl, psql, qemu-img. */
  engine(...command: string[]): Promise<string>;
  nbctl(...args: string[]): Promise<string>;
  vsctl(...args: string[]): Promise<string>;
  sql(statement: string): Promise<string>;
  /** Runs in the host's network namespace. */
  inNamespace(...command: string[]): Promise<string>;
};

/** The installation's engine root. */
function engineRoot(): string {
  const directory = join(DATA, "engines");
  const name = readdirSync(directory).find((entry) => existsSync(join(directory, entry, "usr/bin/ovn-nbctl")));
  if (name === undefined) throw new Error(`no engine root below ${directory}`);
  return join(directory, name);
}

/** Brings the cloud up if it is not (idempotent), and makes sure the client is installed. */
export async function useCloud(instance = process.env["ANDROMEDE_TEST_INSTANCE"] ?? "e2e"): Promise<Cloud> {
  const cloud = describeCloud(instance);
  await installClient();
  await cloud.andromede("up");
  return cloud;
}

async function installClient(): Promise<void> {
  if (["/usr/bin/openstack", "/usr/bin/ssh-keygen", "/usr/bin/ping"].every((program) => existsSync(program))) return;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run(["apt-get", "update", "-q"], { env });
  await run(
    [
      "apt-get",
      "install",
      "-y",
      "-q",
      "--no-install-recommends",
      "python3-openstackclient",
      "openssh-client",
      "iputils-ping",
    ],
    { env },
  );
}

export function describeCloud(instance: string): Cloud {
  const directory = join(DATA, instance);
  const namespace = `${instance}-host1`;
  const script = join(REPOSITORY, "andromede");
  const words = (args: string[]): string[] => [script, ...args, "--instance", instance, "--data", DATA];
  const clientEnv = { OS_CLIENT_CONFIG_FILE: join(directory, "clouds.yaml") };
  const client = (cloudName: string, args: string[]): string[] => ["openstack", "--os-cloud", cloudName, ...args];
  const json = async (command: string[], env: { [name: string]: string }): Promise<never> => {
    const text = await run(command, { env: { ...clientEnv, ...env } });
    return (text.trim() === "" ? undefined : parseOutput(text)) as never;
  };
  const engine = (...command: string[]): Promise<string> =>
    run([
      "bwrap",
      "--ro-bind",
      engineRoot(),
      "/",
      "--dev",
      "/dev",
      "--proc",
      "/proc",
      "--tmpfs",
      "/tmp",
      "--tmpfs",
      "/var/tmp",
      "--bind",
      DATA,
      DATA,
      "--setenv",
      "PATH",
      "/usr/lib/postgresql/17/bin:/usr/bin:/usr/sbin:/bin:/sbin",
      "--",
      ...command,
    ]);
  return {
    instance,
    directory,
    namespace,
    command: (...args) => words(args),
    andromede: (...args) => run(words(args)),
    tryAndromede: (...args) => tryRun(words(args)),
    openstack: (...args) => json(client("andromede", args), {}),
    operator: (...args) => json(client("andromede-operator", args), {}),
    tryOpenstack: (...args) => tryRun(client("andromede", args), { env: clientEnv }),
    openstackAs: (env, ...args) => json(["openstack", ...args], env),
    engine,
    nbctl: (...args) => engine("ovn-nbctl", `--db=unix:${directory}/run/ovn/ovnnb_db.sock`, ...args),
    vsctl: (...args) => engine("ovs-vsctl", `--db=unix:${directory}/run/host1/ovs/db.sock`, ...args),
    sql: (statement) =>
      engine(
        "psql",
        "-h",
        `${directory}/run/postgres`,
        "-U",
        "postgres",
        "-d",
        "andromede",
        "-v",
        "ON_ERROR_STOP=1",
        "-Atc",
        statement,
      ),
    inNamespace: (...command) => run(["ip", "netns", "exec", namespace, ...command]),
  };
}

/** `-f json` prints JSON; `-f value` prints text. */
function parseOutput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}

/** Pids of processes whose command line mentions `word`. */
export function processesMentioning(word: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return line.includes(word) && !line.includes("node\0--test");
      } catch {
        return false; // ended meanwhile
      }
    });
}
