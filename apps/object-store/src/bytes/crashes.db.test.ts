import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";

import { openByteMaintenance } from "../maintenance/byte-maintenance.ts";
import type { Placement } from "./byte-store.ts";
import type { CrashStep } from "./crash-point.ts";
import { type TestBytes, createTestBytes } from "./testing/test-bytes.ts";

/** Every step, and at a later time too, when there is more around. */
const STEPS: `${CrashStep}${"" | ":2" | ":3" | ":9"}`[] = [
  "chunk-written",
  "chunk-synced",
  "chunk-renamed",
  "chunk-renamed:3",
  "pack-created",
  "pack-created:2",
  "pack-written",
  "pack-written:3",
  "pack-synced",
  "pack-synced:9",
  "writer-ended",
  "chunk-unlinked",
  "pack-moved",
  "pack-unlinked",
  "pack-unlinked:2",
];

describe("a program that is killed at any step", () => {
  let test: TestBytes;
  /** What was acknowledged, by all that were killed. */
  const kept = new Map<string, number>();
  before(async () => {
    test = await createTestBytes();
  });
  after(() => test.stop());

  for (const step of STEPS) {
    it(`loses nothing and leaves nothing: ${step}`, async () => {
      const said = await runUntilKilled(test, step);
      for (const line of said) {
        const [what, name = "", size = "0"] = line.split(" ");
        if (what === "put") kept.set(name, Number(size));
        else kept.delete(name);
      }
      await collectAll(test);
      await assertKept(test, kept);
      assert.deepEqual(await filesAndRows(test), { unnamed: [], missing: [] });
    });
  }
});

async function runUntilKilled(test: TestBytes, step: string): Promise<string[]> {
  const { directory, database, key } = test;
  const program = fileURLToPath(new URL("./testing/crash-child.ts", import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify({ directory, database, key: key.toString("hex") })], {
    env: { ...process.env, ANDROMEDE_CRASH_AT: step },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, [, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  assert.equal(signal, "SIGKILL", errors);
  return output.split("\n").filter((line) => line !== "");
}

/** As another program would, once the database has seen that the dead one's connection is gone. */
async function collectAll(test: TestBytes): Promise<void> {
  const maintenance = openByteMaintenance({
    bytes: { driver: "fs", directory: test.directory },
    db: test.db,
    database: test.database,
    log: silentLogger,
    graceSeconds: 0,
  });
  await waitUntil(
    "the dead writers to be swept",
    async () => {
      await maintenance.collect();
      const left = await test.db`select 1 from object_writer where swept_at is null and id <> ${test.bytes.writerId}`;
      return left.length === 0;
    },
    { timeoutMs: 20_000, everyMs: 20 },
  );
  await maintenance.close();
}

async function assertKept(test: TestBytes, kept: ReadonlyMap<string, number>): Promise<void> {
  for (const [name, size] of kept) {
    const [row] = await test.db<{ sequence: number; packId: number | null; packOffset: number }[]>`
      select sequence, pack_id, pack_offset from object where container_id = 1 and key = ${name}`;
    assert.ok(row, `${name} is there`);
    const chunks = await test.db<
      { writerId: number; address: string; start: number; bytes: number; sealedBytes: number }[]
    >`
      select writer_id, encode(address, 'hex') as address, start, bytes, sealed_bytes from object_chunk where owner = ${row.sequence} order by start`;
    const placement: Placement =
      row.packId === null
        ? { kind: "chunked", chunks }
        : { kind: "packed", packId: row.packId, offset: row.packOffset, bytes: size };
    const body = await test.read(placement, 0, size);
    assert.ok(body.equals(Buffer.alloc(size, createHash("sha256").update(name).digest())), `${name} is what it was`);
  }
}

/** Files that no row names, and rows whose files are not there. */
async function filesAndRows(test: TestBytes): Promise<{ unnamed: string[]; missing: string[] }> {
  const chunks = await test.db<{ name: string }[]>`
    select 'chunks/' || writer_id || '/' || left(encode(address, 'hex'), 2) || '/' || encode(address, 'hex') as name from object_chunk`;
  const packs = await test.db<{ name: string; sealedBytes: number | null }[]>`
    select 'packs/' || id as name, sealed_bytes from object_pack`;
  const files = new Set(test.files());
  const named = new Set([...chunks, ...packs].map(({ name }) => name));
  return {
    unnamed: [...files].filter((name) => !named.has(name)),
    // the row of a pack comes before its file
    missing: [...named].filter(
      (name) => !files.has(name) && !packs.some((one) => one.name === name && one.sealedBytes === 0),
    ),
  };
}
