/**
 * The in-memory copy of the monitored tables. Rows are frozen in spirit: a change makes a new row object, so a row
 * somebody holds never moves under them.
 */
import { isObject } from "@andromede/base/json";

import { OvsdbError } from "./errors.ts";
import type { Change, Uuid } from "./types.ts";
import { type TableColumns, type Value, applyDifference, decode, defaultValue, sameValue } from "./values.ts";

type AnyRow = { readonly _uuid: Uuid; readonly [column: string]: Value };

/** Rows by a key of yours, kept up to date with the replica. */
export type RowIndex<Row> = {
  /** All rows of the key, in no order. */
  all(key: string): readonly Row[];
  /** One row of the key, if there is any. */
  first(key: string): Row | undefined;
};

/** The copy of one table. */
export type TableReplica<Row> = {
  readonly rows: ReadonlyMap<Uuid, Row>;
  get(uuid: Uuid): Row | undefined;
  /** Makes an index; make each once and keep it. Rows whose key is undefined are not in it. */
  indexBy(keyOf: (row: Row) => string | undefined): RowIndex<Row>;
};

class Index {
  readonly #keyOf: (row: AnyRow) => string | undefined;
  readonly #rows = new Map<string, Map<Uuid, AnyRow>>();

  constructor(keyOf: (row: AnyRow) => string | undefined) {
    this.#keyOf = keyOf;
  }

  add(row: AnyRow): void {
    const key = this.#keyOf(row);
    if (key === undefined) return;
    const rows = this.#rows.get(key);
    if (rows === undefined) this.#rows.set(key, new Map([[row._uuid, row]]));
    else rows.set(row._uuid, row);
  }

  remove(row: AnyRow): void {
    const key = this.#keyOf(row);
    if (key === undefined) return;
    const rows = this.#rows.get(key);
    rows?.delete(row._uuid);
    if (rows?.size === 0) this.#rows.delete(key);
  }

  all(key: string): readonly AnyRow[] {
    return [...(this.#rows.get(key)?.values() ?? [])];
  }

  first(key: string): AnyRow | undefined {
    return this.#rows.get(key)?.values().next().value;
  }
}

class Table {
  readonly rows = new Map<Uuid, AnyRow>();
  readonly #indexes: Index[] = [];

  get(uuid: Uuid): AnyRow | undefined {
    return this.rows.get(uuid);
  }

  indexBy(keyOf: (row: AnyRow) => string | undefined): Index {
    const index = new Index(keyOf);
    for (const row of this.rows.values()) index.add(row);
    this.#indexes.push(index);
    return index;
  }

  set(uuid: Uuid, after: AnyRow | undefined): void {
    const before = this.rows.get(uuid);
    for (const index of this.#indexes) {
      if (before !== undefined) index.remove(before);
      if (after !== undefined) index.add(after);
    }
    if (after === undefined) this.rows.delete(uuid);
    else this.rows.set(uuid, after);
  }
}

export type AnyChange = Change<{ [table: string]: AnyRow }>;
/** The monitored tables and of each the monitored columns. */
export type Shape = ReadonlyMap<string, TableColumns>;

export class Replica {
  readonly #tables = new Map<string, Table>();

  table(name: string): Table {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new Table();
      this.#tables.set(name, table);
    }
    return table;
  }

  /** Applies <table-updates2> (ovsdb-server(7), "update2") and says what changed. */
  update(shape: Shape, updates: unknown): AnyChange[] {
    const changes: AnyChange[] = [];
    for (const [tableName, rows] of Object.entries(isObject(updates) ? updates : {})) {
      const columns = shape.get(tableName);
      if (columns === undefined)
        throw new OvsdbError("other", `an update of table ${tableName}, which is not monitored`);
      const table = this.table(tableName);
      for (const [id, update] of Object.entries(isObject(rows) ? rows : {})) {
        const uuid = id as Uuid;
        const before = table.get(uuid);
        const after = updatedRow(columns, uuid, before, isObject(update) ? update : {});
        table.set(uuid, after);
        changes.push({ table: tableName, uuid, before, after });
      }
    }
    return changes;
  }

  /** Takes in a whole new snapshot after a reconnection; only true differences are reported. */
  replace(shape: Shape, snapshot: unknown): AnyChange[] {
    const fresh = new Replica();
    fresh.update(shape, snapshot);
    const changes: AnyChange[] = [];
    for (const tableName of shape.keys()) {
      const table = this.table(tableName);
      const freshRows = fresh.table(tableName).rows;
      for (const [uuid, before] of table.rows) {
        if (freshRows.has(uuid)) continue;
        table.set(uuid, undefined);
        changes.push({ table: tableName, uuid, before, after: undefined });
      }
      for (const [uuid, after] of freshRows) {
        const before = table.get(uuid);
        if (before !== undefined && sameRow(before, after)) continue;
        table.set(uuid, after);
        changes.push({ table: tableName, uuid, before, after });
      }
    }
    return changes;
  }
}

function updatedRow(
  columns: TableColumns,
  uuid: Uuid,
  before: AnyRow | undefined,
  update: { [kind: string]: unknown },
): AnyRow | undefined {
  const whole = update["initial"] ?? update["insert"];
  if (isObject(whole)) {
    const row: { [column: string]: Value } = {};
    for (const [column, type] of columns) {
      row[column] = column in whole ? decode(type, whole[column]) : defaultValue(type);
    }
    return { ...row, _uuid: uuid };
  }
  const modified = update["modify"];
  if (isObject(modified)) {
    if (before === undefined) throw new OvsdbError("other", `a change of row ${uuid}, which is not there`);
    const row: { [column: string]: Value } = { ...before };
    for (const [column, difference] of Object.entries(modified)) {
      const type = columns.get(column);
      if (type !== undefined) row[column] = applyDifference(type, before[column] ?? defaultValue(type), difference);
    }
    return { ...row, _uuid: uuid };
  }
  if ("delete" in update) return undefined;
  throw new OvsdbError("other", `an update of row ${uuid} that is none`);
}

function sameRow(a: AnyRow, b: AnyRow): boolean {
  const columns = Object.keys(a);
  return columns.length === Object.keys(b).length && columns.every((column) => sameValue(a[column], b[column]));
}
