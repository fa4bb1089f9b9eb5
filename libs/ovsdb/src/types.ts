import type { Branded } from "@andromede/base/ids";

/** A row's identity in an OVSDB database. */
export type Uuid = Branded<"OvsdbUuid">;

/** Stands, inside one transaction, for the row that its insert will make. */
export type NamedUuid = { readonly named: string };

/** Makes a reference to a row inserted in the same transaction under `uuidName: name`. */
export const named = (name: string): NamedUuid => ({ named: name });

/** The tables of a database: row types by table name. Generated types fit. */
export type Tables = { [table: string]: { readonly _uuid: Uuid } };

declare const tables: unique symbol;
/** The name of a database that remembers the types of its tables. */
export type Database<Db> = string & { readonly [tables]?: Db };

type WithNamed<Value> = Value extends Uuid
  ? Uuid | NamedUuid
  : Value extends readonly (infer Element)[]
    ? readonly WithNamed<Element>[]
    : Value;

/** What may be written into a row: any of its columns; a reference may be a named one. */
export type RowWrite<Row> = { readonly [Column in Exclude<keyof Row, "_uuid">]?: WithNamed<Row[Column]> };

/** How a condition compares (RFC 7047, section 5.1). */
export type ConditionFunction = "==" | "!=" | "<" | "<=" | ">" | ">=" | "includes" | "excludes";
/** `[column, function, value]`; all conditions of a list must hold. */
export type Condition<Row> = {
  readonly [Column in keyof Row & string]: readonly [Column, ConditionFunction, WithNamed<Row[Column]>];
}[keyof Row & string];

/** How a mutation changes a column (RFC 7047, section 5.1). */
export type Mutator = "+=" | "-=" | "*=" | "/=" | "%=" | "insert" | "delete";
type MutationValue<Value> = Value extends readonly unknown[]
  ? WithNamed<Value>
  : Value extends { readonly [key: string]: unknown }
    ? Value | readonly string[]
    : WithNamed<Value>;
/** `[column, mutator, value]`; deleting from a map takes keys or whole pairs. */
export type Mutation<Row> = {
  readonly [Column in Exclude<keyof Row, "_uuid"> & string]: readonly [Column, Mutator, MutationValue<Row[Column]>];
}[Exclude<keyof Row, "_uuid"> & string];

type TableOperation<Table extends string, Row> =
  | { readonly op: "insert"; readonly table: Table; readonly row: RowWrite<Row>; readonly uuidName?: string }
  | {
      readonly op: "update";
      readonly table: Table;
      readonly where: readonly Condition<Row>[];
      readonly row: RowWrite<Row>;
    }
  | {
      readonly op: "mutate";
      readonly table: Table;
      readonly where: readonly Condition<Row>[];
      readonly mutations: readonly Mutation<Row>[];
    }
  | { readonly op: "delete"; readonly table: Table; readonly where: readonly Condition<Row>[] }
  | {
      readonly op: "select";
      readonly table: Table;
      readonly where: readonly Condition<Row>[];
      readonly columns?: readonly (keyof Row & string)[];
    }
  /** The guard: the transaction fails with `waitTimedOut` unless the rows are (`==`) or are not (`!=`) as given. */
  | {
      readonly op: "wait";
      readonly table: Table;
      readonly where: readonly Condition<Row>[];
      readonly columns: readonly (keyof Row & string)[];
      readonly until: "==" | "!=";
      readonly rows: readonly { readonly [Column in keyof Row]?: WithNamed<Row[Column]> }[];
      readonly timeoutMs?: number;
    };

/** One operation of a transaction (RFC 7047, section 5.2). Values are plain JavaScript; the client encodes them. */
export type Operation<Db> =
  | { [Table in keyof Db & string]: TableOperation<Table, Db[Table]> }[keyof Db & string]
  | { readonly op: "comment"; readonly comment: string }
  /** Asks for the commit to be on the disk before the reply. */
  | { readonly op: "commit"; readonly durable: boolean }
  | { readonly op: "abort" };

/** What an operation gave: an insert its `uuid`, update/mutate/delete their `count`, select its `rows`. */
export type OperationResult = {
  readonly uuid?: Uuid;
  readonly count?: number;
  readonly rows?: readonly { readonly [column: string]: unknown }[];
};

/** Which tables, and of them which columns (all, if not said) and rows, the replica keeps. */
export type MonitorSpec<Db> = {
  readonly [Table in keyof Db & string]?: {
    readonly columns?: readonly (Exclude<keyof Db[Table], "_uuid"> & string)[];
    readonly where?: readonly Condition<Db[Table]>[];
  };
};

/** The row type of a monitored table: only the columns that were asked for. */
export type MonitoredRow<Db, Spec extends MonitorSpec<Db>, Table extends keyof Spec & keyof Db> = Spec[Table] extends {
  readonly columns: readonly (infer Column)[];
}
  ? Pick<Db[Table], (Column & keyof Db[Table]) | ("_uuid" & keyof Db[Table])>
  : Db[Table];

/** One row that came, changed or went. `before` is undefined for a new row, `after` for one that is gone. */
export type Change<Db = { [table: string]: unknown }> = {
  [Table in keyof Db & string]: {
    readonly table: Table;
    readonly uuid: Uuid;
    readonly before: Db[Table] | undefined;
    readonly after: Db[Table] | undefined;
  };
}[keyof Db & string];
