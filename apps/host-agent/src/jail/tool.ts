/**
 * Programs that work for the agent and end with it: what they are given to keep secret goes through pipes into files of
 * their jail's memory (jail.ts, `secrets`), never onto a command line, into an environment or onto a disk.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";

import { unavailable } from "@andromede/base/errors";

import { ProgramError } from "./run.ts";

/** The first descriptor after the standard three; the next secret has the next. */
export const FIRST_SECRET_FD = 3;
const MAX_OUTPUT_CHARS = 64 * 1024 * 1024;
const KEPT_ERROR_CHARS = 16 * 1024;

export type ToolOptions = {
  what: string;
  secrets: readonly string[];
  signal?: AbortSignal | undefined;
};

/** A program that is running. */
export type Tool = {
  /** Its standard output, once it ended well. */
  readonly ended: Promise<string>;
  kill(): void;
};

/** Starts a command line of jail.ts. Aborting kills it, and all that it started. */
export function startTool(command: readonly string[], { what, secrets, signal }: ToolOptions): Tool {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe", ...secrets.map(() => "pipe" as const)],
  });
  const kill = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  secrets.forEach((secret, at) => {
    const pipe = child.stdio[FIRST_SECRET_FD + at] as Writable;
    // A program that ends without reading it is judged by its exit status.
    pipe.on("error", () => undefined);
    pipe.end(secret);
  });
  const ended = endOf(child, what, signal).finally(() => signal?.removeEventListener("abort", kill));
  ended.catch(() => undefined);
  if (signal?.aborted === true) kill();
  return { ended, kill };
}

/** Runs a command line of jail.ts to its end; gives its standard output. */
export async function runTool(
  command: readonly string[],
  options: ToolOptions & { timeoutMs: number },
): Promise<string> {
  const tool = startTool(command, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    tool.kill();
  }, options.timeoutMs);
  try {
    return await tool.ended;
  } catch (error) {
    if (late) throw unavailable(`${options.what} took longer than ${options.timeoutMs} ms`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function endOf(child: ChildProcess, what: string, signal: AbortSignal | undefined): Promise<string> {
  let output = "";
  let errors = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.length > MAX_OUTPUT_CHARS) child.kill("SIGKILL");
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-KEPT_ERROR_CHARS);
  });
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(unavailable(`${what} could not be started`, { cause })));
    child.once("close", (code, died) => {
      if (code === 0) resolve(output);
      else if (signal?.aborted === true) reject(unavailable(`${what} was given up`));
      else reject(new ProgramError(what, String(code ?? died), errors));
    });
  });
}
