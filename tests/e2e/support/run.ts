import { spawn } from "node:child_process";

export type Finished = { code: number; stdout: string; stderr: string };

/** Runs a program to its end; never throws for an exit code. Output is kept whole. */
export function tryRun(
  command: string[],
  options: { env?: { [name: string]: string | undefined }; input?: string; timeoutMs?: number } = {},
): Promise<Finished> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...options.env }, stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 600_000);
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** The same; an exit code other than 0 is an error that shows what the program said. */
export async function run(command: string[], options: Parameters<typeof tryRun>[1] = {}): Promise<string> {
  const finished = await tryRun(command, options);
  if (finished.code !== 0) {
    throw new Error(
      `${command.join(" ")}: exit ${finished.code}\n${finished.stdout.slice(-4000)}\n${finished.stderr.slice(-4000)}`,
    );
  }
  return finished.stdout;
}
