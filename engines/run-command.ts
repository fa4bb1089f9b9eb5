import { spawn } from "node:child_process";

import { unavailable } from "@andromede/base/errors";

export type CommandResult = { stdout: string; stderr: string; exitCode: number };
export type CommandOptions = {
  input?: string;
  environment?: { [name: string]: string };
  cwd?: string;
  timeoutMs?: number;
  /** Gets standard error line by line while it runs. */
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
  /** What errors call the command; its words otherwise. */
  label?: string;
};

/** Runs a program to its end and gives back what it printed, whatever its exit code; throws only when it cannot run. */
export function tryCommand(argv: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("empty command");
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.environment === undefined ? {} : { env: options.environment }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
    });
    let stdout = "";
    let stderr = "";
    let unfinished = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
      if (options.onProgress === undefined) return;
      const lines = (unfinished + chunk).split("\n");
      unfinished = lines.pop() ?? "";
      for (const line of lines) options.onProgress(line);
    });
    // A program that never reads its input closes the pipe; its exit code tells the story.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.once("error", (cause) => reject(unavailable(`cannot run ${program}`, { cause })));
    child.once("close", (code, signal) => {
      const late =
        signal === "SIGKILL" && options.timeoutMs !== undefined ? `\nkilled after ${options.timeoutMs} ms` : "";
      resolve({ stdout, stderr: stderr + late, exitCode: code ?? 128 });
    });
  });
}

/** Runs a program to its end; throws with the end of its standard error unless it exits with 0. Gives standard output. */
export async function runCommand(argv: string[], options: CommandOptions = {}): Promise<string> {
  const result = await tryCommand(argv, options);
  if (result.exitCode === 0) return result.stdout;
  const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-20).join("\n");
  throw unavailable(`${(options.label ?? argv.join(" ")).slice(0, 300)} exited with ${result.exitCode}: ${said}`);
}
