import { execFile } from "node:child_process";

import { unavailable } from "@andromede/base/errors";

/** A program that ended badly. The message has the end of what it said on standard error. */
export class ProgramError extends Error {
  readonly stderr: string;

  constructor(what: string, status: string, stderr: string) {
    super(`${what} failed (${status}): ${stderr.trim().slice(-2000)}`);
    this.name = "ProgramError";
    this.stderr = stderr;
  }
}

export type RunOptions = { what: string; timeoutMs: number; stdin?: string; signal?: AbortSignal };

/** Runs a command line to its end; gives its standard output. */
export function run(command: readonly string[], options: RunOptions): Promise<string> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const { timeoutMs, signal } = options;
    const child = execFile(
      program,
      args,
      {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: 16 * 1024 * 1024,
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else if (signal?.aborted === true) reject(unavailable(`${options.what} was given up`, { cause: error }));
        else if (error.killed === true)
          reject(unavailable(`${options.what} took longer than ${timeoutMs} ms`, { cause: error }));
        else reject(new ProgramError(options.what, String(error.code ?? error.signal), stderr));
      },
    );
    // A program that ends without reading its input is judged by its exit status.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.stdin ?? "");
  });
}
