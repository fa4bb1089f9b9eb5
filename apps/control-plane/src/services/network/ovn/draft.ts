/**
 * A draft collects what must change for the database to be as wanted, comparing with the copy, and sends it as one
 * guarded transaction. Nothing to change: nothing is sent. Each row that a draft builds upon (the row it changes, the
 * parent it hangs a child on) is guarded, so a decision taken on an old copy fails as a whole (`conflict`) and the
 * reconciler decides again. What a draft decides, it decides in one synchronous step, on one state of the copy.
 */
import { OvsdbError } from "@andromede/ovsdb/errors";
import type { Condition, NamedUuid, Operation, RowWrite, Uuid } from "@andromede/ovsdb/types";
import { sameValue } from "@andromede/ovsdb/values";

import type { OvnNorthbound, Row, TableName, Tables } from "./northbound.ts";

/** A row that exists, or one that the same draft makes. */
export type Ref = Uuid | NamedUuid;

export type Draft = {
  /** Makes the row (when `existing` is undefined) or changes the columns that differ. `absent` refuses a twin made meanwhile. */
  row<Table extends TableName>(
    table: Table,
    existing: Row<Table> | undefined,
    wanted: RowWrite<Tables[Table]>,
    absent?: Condition<Tables[Table]>,
  ): Ref;
  /** Adds to and removes from a set of references of a row; what is already so costs nothing. */
  members<Table extends TableName>(
    table: Table,
    parent: { readonly ref: Ref; readonly row: Row<Table> | undefined },
    column: keyof Row<Table> & string,
    change: { readonly add?: readonly Ref[]; readonly remove?: readonly Ref[] },
  ): void;
  /** What was decided holds only while no row is so. Costs nothing where nothing changes. */
  assumeNone<Table extends TableName>(table: Table, where: Condition<Tables[Table]>): void;
  /** Deletes rows (of tables whose rows stand by themselves; others go when nobody refers to them). */
  remove<Table extends TableName>(table: Table, rows: readonly Row<Table>[]): void;
  readonly operations: readonly Operation<Tables>[];
};

type AnyRow = { readonly _uuid: Uuid; readonly [column: string]: unknown };

/** An empty draft. Exported for tests; operations use `writeOvn`. */
export function createDraft(): Draft {
  const guards: object[] = [];
  const changes: object[] = [];
  const guarded = new Set<string>();
  let made = 0;

  const guard = (table: string, uuid: Uuid): void => {
    if (guarded.has(uuid)) return;
    guarded.add(uuid);
    guards.push({
      op: "wait",
      table,
      where: [["_uuid", "==", uuid]],
      columns: ["_uuid"],
      until: "==",
      rows: [{ _uuid: uuid }],
    });
  };

  return {
    row(table, existing, wanted, absent) {
      if (existing !== undefined) {
        const current = existing as unknown as AnyRow;
        const different = Object.entries(wanted).filter(
          ([column, value]) => value !== undefined && !sameValue(current[column], value),
        );
        if (different.length > 0) {
          guard(table, current._uuid);
          changes.push({
            op: "update",
            table,
            where: [["_uuid", "==", current._uuid]],
            row: Object.fromEntries(different),
          });
        }
        return current._uuid;
      }
      if (absent !== undefined) this.assumeNone(table, absent);
      made += 1;
      const uuidName = `row${made}`;
      changes.push({ op: "insert", table, uuidName, row: wanted });
      return { named: uuidName };
    },

    members(table, parent, column, change) {
      const held = parent.row === undefined ? [] : ((parent.row as unknown as AnyRow)[column] as readonly Ref[]);
      const add = (change.add ?? []).filter((ref) => !held.includes(ref));
      const remove = (change.remove ?? []).filter((ref) => held.includes(ref));
      const mutations = [
        ...(remove.length > 0 ? [[column, "delete", remove]] : []),
        ...(add.length > 0 ? [[column, "insert", add]] : []),
      ];
      if (mutations.length === 0) return;
      if (typeof parent.ref === "string") guard(table, parent.ref);
      changes.push({ op: "mutate", table, where: [["_uuid", "==", parent.ref]], mutations });
    },

    assumeNone(table, where) {
      guards.push({ op: "wait", table, where: [where], columns: ["_uuid"], until: "==", rows: [] });
    },

    remove(table, rows) {
      for (const { _uuid } of rows as readonly { readonly _uuid: Uuid }[]) {
        changes.push({ op: "delete", table, where: [["_uuid", "==", _uuid]] });
      }
    },

    get operations() {
      return (changes.length === 0 ? [] : [...guards, ...changes]) as Operation<Tables>[];
    },
  };
}

/** How long an operation waits for a whole copy before the reconciler is told to come back. */
const READY_TIMEOUT_MS = 5_000;

/** A guard that failed means the copy has moved on: it is decided again, on the newer one, so many times. */
const ATTEMPTS = 3;

/** Lets `build` (synchronous, may run again) fill a draft, and sends it. Resolves to whether anything had to change. */
export async function writeOvn(ovn: OvnNorthbound, build: (draft: Draft) => void): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    // The attempts follow each other by their nature.
    // eslint-disable-next-line no-await-in-loop
    await ovn.ready(READY_TIMEOUT_MS);
    const draft = createDraft();
    build(draft);
    const { operations } = draft;
    if (operations.length === 0) return false;
    try {
      // eslint-disable-next-line no-await-in-loop
      await ovn.client.transact(operations);
      return true;
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof OvsdbError) || error.kind !== "conflict") throw error;
    }
  }
}
