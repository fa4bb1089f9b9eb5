/**
 * Real engines for tests, from an engine root and never from the machine: each started for one test file, in a
 * temporary directory of its own, killed with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { unavailable } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";

/** The engine root that tests use: `ANDROMEDE_ENGINE_ROOT`, else the newest below the data directory. */
export function engineRoot(): string {
  const given = process.env["ANDROMEDE_ENGINE_ROOT"];
  if (given !== undefined && given !== "") return given;
  const engines = join(process.env["ANDROMEDE_DATA"] ?? "/var/lib/andromede", "engines");
  const roots = existsSync(engines) ? readdirSync(engines).map((name) => join(engines, name)) : [];
  const whole = roots.filter((root) => existsSync(join(root, "usr/sbin/ovsdb-server")));
  const newest = whole.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (newest === undefined)
    throw unavailable(`no engine root in ${engines}: run ./andromede up, or set ANDROMEDE_ENGINE_ROOT`);
  return newest;
}

/** The command line that runs `argv` inside the engine root, with `directories` bound at their own paths, writable. */
export function inEngineRoot(root: string, directories: readonly string[], argv: readonly string[]): string[] {
  const links = ["bin", "sbin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]);
  const binds = directories.flatMap((directory) => ["--bind", directory, directory]);
  const own = [
    "--ro-bind",
    join(root, "usr"),
    "/usr",
    "--ro-bind",
    join(root, "etc"),
    "/etc",
    ...links,
    "--dev",
    "/dev",
    "--proc",
    "/proc",
  ];
  const empty = ["/tmp", "/run", "/var"].flatMap((directory) => ["--tmpfs", directory]);
  return ["bwrap", "--die-with-parent", ...own, ...empty, ...binds, "--", ...argv];
}

/** A process started by a test. */
export type EngineProcess = {
  readonly child: ChildProcess;
  /** What it said on both its outputs so far. */
  output(): string;
  /** Ends it and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
};

/** Starts a command line and keeps what it says. */
export function startProcess(argv: readonly string[]): EngineProcess {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      said.push(error.message);
      resolve();
    });
  });
  return {
    child,
    output: () => said.join(""),
    async stop(signal = "SIGKILL") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
    },
  };
}

/** Runs a command line to its end; throws with its output when it fails. */
export async function runProcess(argv: readonly string[]): Promise<string> {
  const running = startProcess(argv);
  const code = await new Promise<number | null>((resolve) => {
    running.child.once("close", resolve);
    running.child.once("error", () => resolve(null));
  });
  if (code !== 0) throw unavailable(`${argv.join(" ")} ended with ${code}: ${running.output()}`);
  return running.output();
}

/** An ovsdb-server of a test. */
export type TestOvsdbServer = {
  /** For `connectOvsdb`. */
  readonly address: string;
  readonly socketPath: string;
  readonly directory: string;
  /** Kills the server as a crash would; the database file stays. */
  kill(): Promise<void>;
  /** Starts it again on the same file and socket. */
  start(): Promise<void>;
  /** Kills it and removes its directory. */
  stop(): Promise<void>;
};

/** A fresh database of a schema of the engine root, e.g. `usr/share/ovn/ovn-nb.ovsschema`, on a temporary unix socket. */
export async function startOvsdbServer(options: {
  schema: string;
  root?: string;
  clustered?: boolean;
}): Promise<TestOvsdbServer> {
  const root = options.root ?? engineRoot();
  const directory = mkdtempSync(join(tmpdir(), "andromede-ovsdb-"));
  const socketPath = join(directory, "db.sock");
  const file = join(directory, "db");
  const schema = join("/", options.schema);
  const create =
    options.clustered === true
      ? ["ovsdb-tool", "create-cluster", file, schema, `unix:${join(directory, "raft.sock")}`]
      : ["ovsdb-tool", "create", file, schema];
  let running: EngineProcess | undefined;

  const server: TestOvsdbServer = {
    address: `unix:${socketPath}`,
    socketPath,
    directory,
    async kill() {
      await running?.stop();
      running = undefined;
    },
    async start() {
      rmSync(socketPath, { force: true });
      const argv = [
        "ovsdb-server",
        "-vfile:off",
        `--remote=punix:${socketPath}`,
        `--unixctl=${join(directory, "ctl")}`,
        file,
      ];
      const started = startProcess(inEngineRoot(root, [directory], argv));
      running = started;
      await waitUntil(
        "ovsdb-server's socket",
        () => {
          if (started.child.exitCode !== null) throw unavailable(`ovsdb-server ended: ${started.output()}`);
          return existsSync(socketPath);
        },
        { timeoutMs: 10_000, everyMs: 10 },
      );
    },
    async stop() {
      await server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await runProcess(inEngineRoot(root, [directory], create));
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
