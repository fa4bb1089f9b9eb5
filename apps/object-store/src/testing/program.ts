/** The program itself, as its supervisor starts it, on the database and the bytes of a test's store. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { waitUntil } from "@andromede/base/waiting";

import type { Config } from "../config.ts";
import { createS3Client } from "../s3/testing/client.ts";
import type { TestStore } from "./test-store.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

export type Program = {
  /** Of its customers' door. */
  url: string;
  child: ChildProcess;
  /** Gives its exit code and the signal it died of. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<[number | null, string | null]>;
};

/** Started, and answering. Who starts it ends it. */
export async function startProgram(stand: TestStore, changes: Partial<Config>): Promise<Program> {
  const listeners = { customer: await freeListener(), operator: await freeListener() };
  const directory = mkdtempSync(join(tmpdir(), "andromede-program-"));
  const file = join(directory, "config.json");
  writeFileSync(file, JSON.stringify({ ...stand.store.config, listeners, ...changes }));
  const child = spawn(process.execPath, [MAIN, "--config", file], { stdio: "ignore" });
  const exit = once(child, "exit") as Promise<[number | null, string | null]>;
  const { url } = listeners.customer;
  const end: Program["end"] = async (signal) => {
    child.kill(signal);
    const exited = await exit;
    rmSync(directory, { recursive: true, force: true }); // its workers read their configuration when they start
    return exited;
  };
  try {
    await waitUntil("the program", async () => (await createS3Client(url, null).send("GET", "/")).status > 0, {
      timeoutMs: 30_000,
    });
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
  return { url, child, end };
}

async function freeListener(): Promise<{ host: string; port: number; url: string }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return { host: "127.0.0.1", port, url: `http://127.0.0.1:${port}` };
}
