/**
 * Recomputes the event log from the database, in one snapshot and constant memory, and names what was tampered with.
 *
 * Three things have to agree, leaf by leaf: the rows of `event`, the tiles, and the checkpoints, which only the root
 * key's holder can sign. Rows and tiles are compared with each other, and both with the next checkpoint; whichever of
 * them still leads to the signed root is the one that was not touched. A checkpoint outside the database
 * (remembered-checkpoint.ts) tells of an end that was cut off together with its checkpoints.
 */
import { messageOf } from "@andromede/base/errors";
import type { Database, Queryable } from "@andromede/platform/db/database";
import { leafHash } from "@andromede/platform/events/append";

import { checkRow } from "./check-row.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import {
  type CheckpointRow,
  type EventRow,
  countTiles,
  findLastPlace,
  findNewestCheckpoint,
  findTile,
  listCheckpoints,
  listPlaced,
  listUnplaced,
} from "./events.queries.ts";
import { Frontier, HASH_BYTES } from "./merkle.ts";
import { LogEdge, TILE_WIDTH, type Tile, splitHashes } from "./tiles.ts";

export type Problem = {
  problem: string;
  /** Of the event, where it is known. */
  id?: string;
  /** Its place in the log. */
  index?: number;
  /** When the event before it happened: a row that is gone cannot say its own time. */
  after?: string;
};

export type VerifyReport = {
  ok: boolean;
  size: number;
  /** In base64, as checkpoints write it. */
  root: string;
  checkpoint: { size: number; time: string; note: string } | null;
  /** Committed events that have no place yet. */
  unsequenced: number;
  problems: Problem[];
  /** There may be more than are listed. */
  problemCount: number;
};

const MAX_LISTED = 1_000;
const CHECKPOINTS_A_PAGE = 500;
const UNPLACED_A_PAGE = 1_000;
/** An event has its place within seconds of its commit; its time is taken moments before that. */
const LATE_MS = 10 * 60_000;
const NO_ID = "00000000-0000-0000-0000-000000000000";

export type VerifyOptions = { publicKeys: Buffer[]; remembered: string | null };

export async function verifyLog(db: Database, options: VerifyOptions): Promise<VerifyReport> {
  const report = await db.begin("isolation level repeatable read read only", (sql) =>
    new Verification(sql, options).run(),
  );
  return report as VerifyReport;
}

class Verification {
  readonly #sql: Queryable;
  readonly #options: VerifyOptions;
  #problems: Problem[] = [];
  #count = 0;
  /** What the rows lead to, what the tiles lead to. */
  #byRows = new Frontier();
  #byTiles = LogEdge.empty();
  /** Rows and tiles that disagree, since the last checkpoint: it will say which of the two was touched. */
  #disputed: { id?: string; index: number }[] = [];
  #lastGood = 0;
  #broken = false;
  #laterBroken = 0;
  #checkpoints: CheckpointRow[] = [];
  #checkpointsRead = -1;
  #remembered: Checkpoint | null = null;
  #before: EventRow | null = null;
  #newestTime = 0;

  constructor(sql: Queryable, options: VerifyOptions) {
    this.#sql = sql;
    this.#options = options;
  }

  #report(problem: Problem): void {
    this.#count += 1;
    if (this.#problems.length < MAX_LISTED) this.#problems.push(problem);
  }

  async run(): Promise<VerifyReport> {
    const newest = await findNewestCheckpoint(this.#sql);
    const size = await this.#extent(newest);
    this.#openRemembered(size);
    for (let tile = 0; tile * TILE_WIDTH < size; tile += 1)
      await this.#checkTile(tile, Math.min(size, (tile + 1) * TILE_WIDTH));
    await this.#checkEdge();
    this.#settleDisputes("nothing signed says which");
    if (this.#laterBroken > 0) this.#report({ problem: `${this.#laterBroken} later checkpoints do not fit either` });
    const unsequenced = await this.#checkUnplaced();
    return {
      ok: this.#count === 0,
      size,
      root: this.#byRows.root().toString("base64"),
      checkpoint: newest === null ? null : { size: newest.size, time: newest.time.toISOString(), note: newest.note },
      unsequenced,
      problems: this.#problems,
      problemCount: this.#count,
    };
  }

  /** As far as rows, tiles, checkpoints or the memory of one reach: an end that one of them lacks shows as missing. */
  async #extent(newest: CheckpointRow | null): Promise<number> {
    const [last, tiles] = await Promise.all([findLastPlace(this.#sql), countTiles(this.#sql)]);
    const leaves = tiles.find(({ level }) => level === 0);
    const inTiles = leaves === undefined ? 0 : leaves.lastIndex * TILE_WIDTH + Math.ceil(leaves.lastBytes / HASH_BYTES);
    const inRows = (last ?? -1) + 1;
    const signed = newest?.size ?? 0;
    if (Math.max(inTiles, inRows) > signed) {
      this.#report({
        problem: `the log reaches to ${Math.max(inTiles, inRows)}, its newest checkpoint only to ${signed}: a checkpoint was removed`,
        index: signed,
      });
    }
    return Math.max(inTiles, inRows, signed);
  }

  #openRemembered(size: number): void {
    const note = this.#options.remembered;
    if (note === null) return;
    try {
      this.#remembered = openCheckpoint(note, this.#options.publicKeys);
      const known = this.#remembered.size;
      if (known > size) {
        this.#report({
          problem: `the entries ${size} to ${known - 1} are gone, with their tiles and checkpoints: the log once had ${known}`,
          index: size,
        });
      }
    } catch (error) {
      this.#report({ problem: `the checkpoint remembered outside the database cannot be used: ${messageOf(error)}` });
    }
  }

  async #checkTile(tileIndex: number, end: number): Promise<void> {
    const first = tileIndex * TILE_WIDTH;
    const [rows, tile] = await Promise.all([listPlaced(this.#sql, first, end), findTile(this.#sql, 0, tileIndex)]);
    const hashes = tile === null ? [] : splitHashes(tile.hashes);
    if (hashes.length < end - first)
      this.#report({
        problem: `tile 0/${tileIndex} ${tile === null ? "is gone" : "lacks entries"}`,
        index: first + hashes.length,
      });
    const byIndex = new Map(rows.map((row) => [row.leafIndex, row]));
    for (let index = first; index < end; index += 1) {
      const row = byIndex.get(index);
      const hash = this.#checkLeaf(index, row, { hash: hashes[index - first], id: tile?.ids?.[index - first] });
      this.#byRows.append(hash.row);
      for (const whole of this.#byTiles.append({ id: tile?.ids?.[index - first] ?? NO_ID, hash: hash.tile }))
        await this.#checkInnerTile(whole);
      await this.#checkCheckpoint(index + 1);
      this.#before = row ?? this.#before;
    }
  }

  /** What the leaf is, as the row has it and as the tile has it; each stands in for the other where it is missing. */
  #checkLeaf(
    index: number,
    row: EventRow | undefined,
    tile: { hash: Buffer | undefined; id: string | undefined },
  ): { row: Buffer; tile: Buffer } {
    const id = row?.id ?? tile.id;
    const where = {
      index,
      ...(id === undefined ? {} : { id }),
      ...(this.#before === null ? {} : { after: this.#before.time.toISOString() }),
    };
    if (row === undefined) {
      this.#report({ ...where, problem: "the event was deleted" });
      const hash = tile.hash ?? Buffer.alloc(HASH_BYTES);
      return { row: hash, tile: hash };
    }
    this.#newestTime = Math.max(this.#newestTime, row.time.getTime());
    for (const problem of checkRow(row)) this.#report({ ...where, problem });
    if (tile.id !== undefined && tile.id !== row.id)
      this.#report({ ...where, problem: `another event stood here: ${tile.id}` });
    const hash = leafHash(row.body);
    if (tile.hash !== undefined && !tile.hash.equals(hash)) this.#disputed.push(where);
    return { row: hash, tile: tile.hash ?? hash };
  }

  async #checkInnerTile(whole: Tile): Promise<void> {
    if (whole.level > 0) await this.#compareTile(whole);
  }

  /** Compares what the lower level leads to with what is stored. */
  async #compareTile(expected: Tile): Promise<void> {
    const stored = await findTile(this.#sql, expected.level, expected.tileIndex);
    const name = `tile ${expected.level}/${expected.tileIndex}`;
    if (stored === null) return this.#report({ problem: `${name} is gone` });
    const [is, ought] = [splitHashes(stored.hashes), splitHashes(expected.hashes)];
    const span = TILE_WIDTH ** expected.level;
    for (const [entry, hash] of ought.entries()) {
      if (is[entry]?.equals(hash) === true) continue;
      const first = (expected.tileIndex * TILE_WIDTH + entry) * span;
      this.#report({ problem: `${name} does not fit the entries ${first} to ${first + span - 1}`, index: first });
    }
    if (is.length > ought.length) this.#report({ problem: `${name} has more entries than the log` });
  }

  async #checkEdge(): Promise<void> {
    for (const tile of this.#byTiles.partialTiles()) if (tile.level > 0) await this.#compareTile(tile);
  }

  async #checkCheckpoint(size: number): Promise<void> {
    if (this.#remembered?.size === size)
      this.#compareRoot("the checkpoint remembered outside the database", size, this.#remembered.root);
    const row = await this.#checkpointAt(size);
    if (row === undefined) return;
    let signed: Checkpoint;
    try {
      signed = openCheckpoint(row.note, this.#options.publicKeys);
    } catch (error) {
      return this.#report({ problem: `checkpoint ${size}: ${messageOf(error)}`, index: size });
    }
    if (signed.size !== size || !signed.root.equals(row.root)) {
      return this.#report({ problem: `checkpoint ${size}: its columns differ from its signed note`, index: size });
    }
    this.#compareRoot(`checkpoint ${size}`, size, signed.root);
  }

  #compareRoot(name: string, size: number, root: Buffer): void {
    const [rows, tiles] = [this.#byRows.root().equals(root), this.#byTiles.root().equals(root)];
    if (this.#broken) {
      // past the first break every root is another
      if (!rows && !tiles) this.#laterBroken += 1;
      else this.#lastGood = size;
      if (this.#disputed.length > 0) this.#settleDisputes(rows ? "the tile was changed" : "its row was changed");
      return;
    }
    if (tiles || rows) {
      this.#settleDisputes(tiles ? "its row was changed" : "the tile was changed, its row was not");
      this.#lastGood = size;
      return;
    }
    this.#broken = true;
    this.#settleDisputes("nothing signed says which");
    this.#report({
      problem: `${name} does not fit: of the entries ${this.#lastGood} to ${size - 1}, rows and tiles were changed`,
      index: this.#lastGood,
    });
  }

  #settleDisputes(verdict: string): void {
    for (const where of this.#disputed)
      this.#report({ ...where, problem: `the event and the log's tile disagree: ${verdict}` });
    this.#disputed = [];
  }

  async #checkpointAt(size: number): Promise<CheckpointRow | undefined> {
    while (this.#checkpoints[0] !== undefined && this.#checkpoints[0].size < size) {
      const { size: passed } = this.#checkpoints[0];
      this.#checkpoints.shift();
      this.#report({ problem: `checkpoint ${passed} is of no size that the log ever had`, index: passed });
    }
    if (this.#checkpoints.length === 0 && this.#checkpointsRead < Number.MAX_SAFE_INTEGER) {
      this.#checkpoints = await listCheckpoints(
        this.#sql,
        Math.max(this.#checkpointsRead, size - 1),
        CHECKPOINTS_A_PAGE,
      );
      this.#checkpointsRead = this.#checkpoints.at(-1)?.size ?? Number.MAX_SAFE_INTEGER;
    }
    return this.#checkpoints[0]?.size === size ? this.#checkpoints.shift() : undefined;
  }

  /** Events without a place are fine while they are new; an old one was taken out of the log, or slipped in. */
  async #checkUnplaced(): Promise<number> {
    let count = 0;
    for (let after = NO_ID; ;) {
      const rows = await listUnplaced(this.#sql, after, UNPLACED_A_PAGE);
      for (const row of rows) {
        count += 1;
        for (const problem of checkRow(row)) this.#report({ id: row.id, problem });
        if (row.time.getTime() < this.#newestTime - LATE_MS)
          this.#report({ id: row.id, problem: "the event has no place in the log, though younger ones do" });
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < UNPLACED_A_PAGE) return count;
      after = last.id;
    }
  }
}
