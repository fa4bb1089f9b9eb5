/** Moves what is alive in a pack to the end of another: as it is, sealed; nobody's key is needed. */
import { internal } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";

import { insertPackDamage } from "../bytes/bytes.queries.ts";
import { crashPoint } from "../bytes/crash-point.ts";
import type { PackReader } from "../bytes/pack-reader.ts";
import type { Appended, PackWriter } from "../bytes/packs.ts";
import { isWholeExtent, sealedBytes } from "../bytes/seal.ts";
import { type PackedRow, isWriterAlive, listPacked, lockKeysOf, movePacked } from "./collect.queries.ts";

const ROWS_AT_ONCE = 64;

/** Gives how many were moved. What is rotten stays, and the pack with it. */
export async function rewritePack(
  { db, log, signal }: { db: Database; log: Logger; signal?: AbortSignal },
  packs: { reader: PackReader; writer: () => Promise<PackWriter> },
  packId: number,
): Promise<number> {
  const writer = await packs.writer();
  let from = 0;
  let moved = 0;
  for (;;) {
    const rows = await listPacked(db, packId, from, ROWS_AT_ONCE);
    const last = rows.at(-1);
    if (last === undefined || signal?.aborted === true) return moved;
    from = last.packOffset + 1;
    const whole: { row: PackedRow; extent: Buffer }[] = [];
    for (const row of rows) {
      const extent = await packs.reader.read(packId, row.packOffset, sealedBytes(row.size));
      if (isWholeExtent(extent)) whole.push({ row, extent });
      else {
        log.error({ pack: packId, offset: row.packOffset }, "a body in a pack is damaged and stays where it is");
        await insertPackDamage(db, packId, `the body at ${row.packOffset} is not as it was written`);
      }
    }
    const appended = await Promise.all(whole.map(({ extent }) => writer.append(extent)));
    try {
      await move(
        db,
        packId,
        whole.map(({ row }) => row),
        appended,
      );
      moved += whole.length;
    } finally {
      await Promise.all(appended.map((one) => one.settle()));
    }
    crashPoint("pack-moved");
  }
}

async function move(
  db: Database,
  packId: number,
  rows: readonly PackedRow[],
  appended: readonly Appended[],
): Promise<void> {
  const moves = rows.flatMap((row, index) => {
    const to = appended[index];
    return to === undefined ? [] : [{ ...row, to: { packId: to.packId, offset: to.offset } }];
  });
  if (moves.length === 0) return;
  await db.begin(async (sql) => {
    await lockKeysOf(sql, rows);
    for (const id of new Set(appended.map((one) => one.writerId))) {
      if (!(await isWriterAlive(sql, id))) throw internal("the collector's own writer was ended");
    }
    await movePacked(sql, packId, moves);
  });
}
