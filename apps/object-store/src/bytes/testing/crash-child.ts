/**
 * Writes, deletes and collects until it is killed at the step that ANDROMEDE_CRASH_AT names; says on standard output, line by
 * line, what is acknowledged. Started by crashes.db.test.ts.
 */
import { createHash } from "node:crypto";

import { silentLogger } from "@andromede/base/log";
import { type DatabaseConfig, openDatabase } from "@andromede/platform/db/database";

import { openByteMaintenance } from "../../maintenance/byte-maintenance.ts";
import type { Written } from "../byte-store.ts";
import { createByteStore } from "../open-byte-store.ts";
import { streamOf } from "./test-bytes.ts";

const { directory, database, key } = JSON.parse(process.argv[2] ?? "") as {
  directory: string;
  database: DatabaseConfig;
  key: string;
};
const db = openDatabase(database, { max: 4 });
const common = { bytes: { driver: "fs" as const, directory }, db, database, log: silentLogger };
const store = await createByteStore({ ...common, threads: 1, limits: { packBytes: 30_000 } });
const maintenance = openByteMaintenance({ ...common, graceSeconds: 0 });
const options = { key: Buffer.from(key, "hex"), digests: [], size: null, maxBytes: 2 ** 40, mayPack: true };

/** A body that follows from its name. */
const bodyOf = (name: string, size: number): Buffer => {
  const seed = createHash("sha256").update(name).digest();
  return Buffer.alloc(size, seed);
};

async function commit(name: string, size: number, written: Written): Promise<void> {
  const { placement } = written;
  await db.begin(async (sql) => {
    const alive = await sql`select 1 from object_writer where id = ${written.writerId} and ended_at is null`;
    if (alive.length === 0) throw new Error("the writer was ended");
    const [pack, offset] = placement.kind === "packed" ? [placement.packId, placement.offset] : [null, null];
    const [row] = await sql<{ sequence: number }[]>`
      insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at, pack_id, pack_offset)
      values (1, ${name}, nextval('object_sequence'), 'null', true, ${size}, '', '', now(), ${pack}, ${offset})
      returning sequence`;
    for (const chunk of placement.kind === "chunked" ? placement.chunks : []) {
      await sql`
        insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
        values (${chunk.writerId}, decode(${chunk.address}, 'hex'), ${row?.sequence ?? 0}, ${chunk.start}, ${chunk.bytes}, ${chunk.sealedBytes})`;
    }
  });
  await written.settle(true);
  process.stdout.write(`put ${name} ${size}\n`);
}

async function remove(name: string): Promise<void> {
  await db`
    with gone as (delete from object where container_id = 1 and key = ${name} returning sequence)
    update object_chunk set owner = null, garbage_at = now() - interval '1 second' where owner in (select sequence from gone)`;
  process.stdout.write(`gone ${name}\n`);
}

for (let round = 0; ; round += 1) {
  const name = (what: string): string => `${process.pid}-${round}-${what}`;
  const sizes = { a: 9_000, b: 9_500, c: 10_000, d: 10_500, e: 200_000, f: 300_000 };
  for (const [what, size] of Object.entries(sizes)) {
    const body = bodyOf(name(what), size);
    await commit(name(what), size, await store.write(streamOf(body), options));
  }
  for (const what of ["a", "b", "c", "e"]) await remove(name(what));
  await maintenance.compact();
  await maintenance.collect();
}
