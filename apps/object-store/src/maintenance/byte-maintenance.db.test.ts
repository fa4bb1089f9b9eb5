import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, openSync, readFileSync, readSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";

import type { Chunk, Placement, Written } from "../bytes/byte-store.ts";
import { type TestBytes, createTestBytes } from "../bytes/testing/test-bytes.ts";
import { type ByteMaintenance, openByteMaintenance } from "./byte-maintenance.ts";

const KIB = 1024;

describe("maintenance of bytes", () => {
  let test: TestBytes;
  let maintenance: ByteMaintenance;
  before(async () => {
    test = await createTestBytes();
    maintenance = openByteMaintenance({
      bytes: { driver: "fs", directory: test.directory },
      db: test.db,
      database: test.database,
      log: silentLogger,
      graceSeconds: 0,
    });
  });
  after(async () => {
    await maintenance.close();
    await test.stop();
  });

  const chunkOf = (written: Written): Chunk => {
    const { placement } = written;
    const chunk = placement.kind === "chunked" ? placement.chunks[0] : undefined;
    assert.ok(chunk);
    return chunk;
  };
  const pathOf = ({ writerId, address }: Chunk): string =>
    join(test.directory, "chunks", String(writerId), address.slice(0, 2), address);
  const nameChunk = (chunk: Chunk) => test.db`
    insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
    values (${chunk.writerId}, decode(${chunk.address}, 'hex'), nextval('object_sequence'), ${chunk.start}, ${chunk.bytes}, ${chunk.sealedBytes})`;
  const nameObject = async (key: string, size: number, placement: Placement): Promise<void> => {
    assert.equal(placement.kind, "packed");
    if (placement.kind !== "packed") return;
    await test.db`
      insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at, pack_id, pack_offset)
      values (1, ${key}, nextval('object_sequence'), 'null', true, ${size}, '', '', now(), ${placement.packId}, ${placement.offset})`;
  };
  /** As a cut network would: its lock is gone when this resolves. */
  const cutOff = async (): Promise<void> => {
    await test.db`
      select pg_terminate_backend(pid, 10000) from pg_stat_activity
       where datname = current_database() and application_name = 'object-store writer'`;
  };

  it("leaves alone what a living writer has not committed yet", async () => {
    const written = await test.write(randomBytes(300 * KIB));
    const chunk = chunkOf(written);
    const { unnamed } = await maintenance.collect();
    assert.equal(unnamed, 0);
    assert.ok(existsSync(pathOf(chunk)));
    await nameChunk(chunk);
    await written.settle(true);
    await maintenance.collect();
    assert.ok(existsSync(pathOf(chunk)));
  });

  it("takes what a dead writer did not commit, after those who may still commit", async () => {
    const [lost, late] = await Promise.all([test.write(randomBytes(200 * KIB)), test.write(randomBytes(210 * KIB))]);
    const before_ = test.bytes.writerId;
    assert.equal(lost.writerId, before_);
    const seen = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const commit = test.db.begin(async (sql) => {
      // a read gives a transaction no number of its own: it must be waited for all the same
      const alive = await sql`select 1 from object_writer where id = ${late.writerId} and ended_at is null`;
      assert.equal(alive.length, 1);
      seen.resolve();
      await goOn.promise;
      const chunk = chunkOf(late);
      await sql`
        insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
        values (${chunk.writerId}, decode(${chunk.address}, 'hex'), nextval('object_sequence'), 0, ${chunk.bytes}, ${chunk.sealedBytes})`;
    });
    await seen.promise;
    await cutOff();
    const collecting = maintenance.collect();
    await waitUntil(
      "the end of the writer",
      async () =>
        (await test.db`select 1 from object_writer where id = ${before_} and ended_at is not null`).length > 0,
      { timeoutMs: 5_000, everyMs: 10 },
    );
    assert.ok(existsSync(pathOf(chunkOf(lost))), "nothing goes while somebody may commit");
    goOn.resolve();
    await commit;
    const { unnamed } = await collecting;
    assert.equal(unnamed, 1);
    assert.ok(!existsSync(pathOf(chunkOf(lost))));
    assert.ok(existsSync(pathOf(chunkOf(late))), "what was committed stays");
    await Promise.all([lost.settle(true), late.settle(true)]);

    const next = await test.write(randomBytes(200 * KIB));
    assert.notEqual(next.writerId, before_, "the next write has another number");
    assert.equal(test.bytes.writerId, next.writerId);
    await next.settle(false);
  });

  it("leaves nothing of a body that was under way when its writer was ended, and the next one is kept", async () => {
    const body = new PassThrough();
    const writing = test.bytes.write(body, {
      key: test.key,
      digests: [],
      size: null,
      maxBytes: 2 ** 40,
      mayPack: true,
    });
    const small = await test.write(randomBytes(10));
    const { writerId } = small;
    body.write(randomBytes(900 * KIB));
    const begun = (name: string): boolean => name.startsWith(`chunks/${writerId}/new/`);
    await waitUntil("the body's file", () => test.files().some(begun), { timeoutMs: 5_000, everyMs: 5 });
    await cutOff();
    await waitUntil("the writer's end", async () => (await maintenance.collect()).writers > 0, {
      timeoutMs: 5_000,
      everyMs: 5,
    });
    body.end();
    await assert.rejects(writing, { kind: "unavailable" });
    await small.settle(true);
    assert.deepEqual(
      test.files().filter((name) => name.startsWith(`chunks/${writerId}/`)),
      [],
    );
    const next = await test.write(randomBytes(10));
    assert.notEqual(next.writerId, writerId, "its pack is another, too");
    await next.settle(true);
  });

  it("removes chunks that are nobody's, and their rows", async () => {
    const written = await test.write(randomBytes(300 * KIB));
    const chunk = chunkOf(written);
    await nameChunk(chunk);
    await written.settle(true);
    await test.db`
      update object_chunk set owner = null, garbage_at = now() - interval '1 second'
       where address = decode(${chunk.address}, 'hex')`;
    const { chunks } = await maintenance.collect();
    assert.equal(chunks, 1);
    assert.ok(!existsSync(pathOf(chunk)));
    const rows = await test.db`select 1 from object_chunk where address = decode(${chunk.address}, 'hex')`;
    assert.equal(rows.length, 0);
  });

  it("moves what is alive out of a pack that is half dead, and removes the pack", async () => {
    const store = await test.another({ limits: { packBytes: 20 * KIB } });
    const bodies = Array.from({ length: 6 }, () => randomBytes(4 * KIB));
    const put = async (body: Buffer): Promise<Written> =>
      store.writeSmall(body, { key: test.key, digests: [], size: body.length, maxBytes: 2 ** 30, mayPack: true });
    const written: Written[] = [];
    for (const body of bodies) written.push(await put(body));
    const first = written[0]?.placement;
    assert.ok(first?.kind === "packed");
    await nameObject("alive", 4 * KIB, first);
    await Promise.all(written.map((one) => one.settle(true)));
    await waitUntil(
      "the pack's length",
      async () => (await test.db`select 1 from object_pack where id = ${first.packId} and sealed_bytes > 0`).length > 0,
      { timeoutMs: 5_000, everyMs: 10 },
    );

    const { moved, dead } = await maintenance.compact();
    assert.equal(moved, 1);
    assert.ok(dead >= 1);
    await maintenance.collect();
    assert.ok(!existsSync(join(test.directory, "packs", String(first.packId))));
    const [row] = await test.db<{ packId: number; packOffset: number }[]>`
      select pack_id, pack_offset from object where key = 'alive'`;
    assert.ok(row !== undefined && row.packId !== first.packId);
    const body = await store.readSmall(
      { kind: "packed", packId: row.packId, offset: row.packOffset, bytes: 4 * KIB },
      test.key,
    );
    assert.ok(bodies[0]?.equals(body));
  });

  it("finds a flipped bit in a chunk and in a pack: by reading, and by the scrub", async () => {
    const store = await test.another({ limits: { packBytes: 1 } });
    const options = { key: test.key, digests: [], maxBytes: 2 ** 30, mayPack: true };
    const small = await store.writeSmall(randomBytes(5 * KIB), { ...options, size: 5 * KIB });
    assert.ok(small.placement.kind === "packed");
    const next = await store.writeSmall(randomBytes(5 * KIB), { ...options, size: 5 * KIB });
    await nameObject("small", 5 * KIB, small.placement);
    const large = await test.write(randomBytes(700 * KIB));
    const chunk = chunkOf(large);
    await nameChunk(chunk);
    await Promise.all([small, next, large].map((one) => one.settle(true)));
    assert.deepEqual(await maintenance.scrub({ ageSeconds: 0 }).then(({ damaged }) => damaged), 0);

    const packPlace = `pack/${small.placement.packId}`;
    const chunkPlace = `chunk/${chunk.writerId}/${chunk.address}`;
    const packPath = join(test.directory, "packs", String(small.placement.packId));
    const damage = async (): Promise<string[]> =>
      (await test.db<{ place: string }[]>`select place from object_damage order by place`).map((row) => row.place);
    flip(packPath, 2_000);
    flip(pathOf(chunk), 300 * KIB);
    await assert.rejects(store.readSmall(small.placement, test.key), { kind: "internal" });
    let given = 0;
    const stream = test.bytes.read(large.placement, { key: test.key, start: 0, end: 700 * KIB });
    await assert.rejects(
      async () => {
        for await (const piece of stream) given += (piece as Buffer).length;
      },
      { kind: "internal" },
    );
    assert.ok(given <= 256 * KIB, "nothing of the rotten block, nor behind it");
    await waitUntil("the damage's rows", async () => (await damage()).length === 2, { timeoutMs: 5_000, everyMs: 10 });
    assert.deepEqual(await damage(), [chunkPlace, packPlace]);

    await test.db`delete from object_damage`;
    assert.equal((await maintenance.scrub({ ageSeconds: 0 })).damaged, 2);
    assert.deepEqual(await damage(), [chunkPlace, packPlace]);
    // mended, it is forgotten
    flip(packPath, 2_000);
    flip(pathOf(chunk), 300 * KIB);
    const scrubbed = await maintenance.scrub({ ageSeconds: 0 });
    assert.equal(scrubbed.damaged, 0);
    assert.deepEqual(await damage(), []);
    // all of it again, however little ago that was
    for (let turn = 0; turn < 10; turn++) assert.deepEqual(await maintenance.scrub({ ageSeconds: 0 }), scrubbed);
  });

  it("finds no plaintext on the disk", async () => {
    const needle = Buffer.from("a secret that nobody may find on the disk. ".repeat(20));
    const [small, large] = await Promise.all([test.write(needle), test.write(Buffer.alloc(400 * KIB, needle))]);
    for (const name of test.files()) {
      assert.ok(!readFileSync(join(test.directory, name)).includes("a secret that nobody"), name);
    }
    await Promise.all([small.settle(false), large.settle(false)]);
  });
});

function flip(path: string, position: number): void {
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0x10;
  writeSync(file, byte, 0, 1, position);
  closeSync(file);
}
