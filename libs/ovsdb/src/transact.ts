/** Operations and conditions in JavaScript values to the wire, and the results back. */
import { isObject } from "@andromede/base/json";

import { OvsdbError, fromServerError } from "./errors.ts";
import type { OperationResult, Uuid } from "./types.ts";
import { type ColumnType, type DatabaseSchema, type TableColumns, decode, encode } from "./values.ts";

/** An operation with its types forgotten. The exported types make sure that it fits its database. */
export type AnyOperation = {
  readonly op: string;
  readonly table?: string;
  readonly row?: { readonly [column: string]: unknown };
  readonly rows?: readonly { readonly [column: string]: unknown }[];
  readonly where?: readonly AnyCondition[];
  readonly columns?: readonly string[];
  readonly mutations?: readonly (readonly [string, string, unknown])[];
  readonly uuidName?: string;
  readonly until?: string;
  readonly timeoutMs?: number;
  readonly comment?: string;
  readonly durable?: boolean;
};
export type AnyCondition = readonly [string, string, unknown];

function columnOf(columns: TableColumns, name: string): ColumnType {
  const type = columns.get(name);
  if (type === undefined) throw new OvsdbError("other", `the schema has no column ${name}`);
  return type;
}

function encodeRow(columns: TableColumns, row: { readonly [column: string]: unknown }): { [column: string]: unknown } {
  const encoded: { [column: string]: unknown } = {};
  for (const [name, value] of Object.entries(row)) {
    if (value !== undefined) encoded[name] = encode(columnOf(columns, name), value);
  }
  return encoded;
}

export function encodeConditions(columns: TableColumns, where: readonly AnyCondition[]): unknown[] {
  return where.map(([column, comparison, value]) => [column, comparison, encode(columnOf(columns, column), value)]);
}

/** One operation as RFC 7047, section 5.2, spells it. */
export function encodeOperation(schema: DatabaseSchema, operation: AnyOperation): { [member: string]: unknown } {
  const { op, table, row, rows, where, columns, mutations, uuidName, until, timeoutMs, comment, durable } = operation;
  const wire: { [member: string]: unknown } = { op };
  if (comment !== undefined) wire["comment"] = comment;
  if (durable !== undefined) wire["durable"] = durable;
  if (table === undefined) return wire;
  const types = schema.tables.get(table);
  if (types === undefined) throw new OvsdbError("other", `the schema has no table ${table}`);
  wire["table"] = table;
  if (row !== undefined) wire["row"] = encodeRow(types, row);
  if (rows !== undefined) wire["rows"] = rows.map((each) => encodeRow(types, each));
  if (where !== undefined) wire["where"] = encodeConditions(types, where);
  if (columns !== undefined) wire["columns"] = columns;
  if (uuidName !== undefined) wire["uuid-name"] = uuidName;
  if (until !== undefined) {
    wire["until"] = until;
    // A guard must answer at once, not sit in the server waiting to come true.
    wire["timeout"] = timeoutMs ?? 0;
  }
  if (mutations !== undefined) {
    wire["mutations"] = mutations.map(([column, mutator, value]) => [
      column,
      mutator,
      encode(columnOf(types, column), value),
    ]);
  }
  return wire;
}

function decodeResult(schema: DatabaseSchema, operation: AnyOperation, result: unknown): OperationResult {
  if (!isObject(result)) return {};
  const { uuid, count, rows } = result;
  if (Array.isArray(uuid)) return { uuid: String(uuid[1]) as Uuid };
  if (typeof count === "number") return { count };
  if (!Array.isArray(rows)) return {};
  const types = schema.tables.get(operation.table ?? "");
  const decoded = rows.map((row: unknown) => {
    const out: { [column: string]: unknown } = {};
    for (const [column, value] of Object.entries(isObject(row) ? row : {})) {
      const type = types?.get(column);
      if (type !== undefined) out[column] = decode(type, value);
    }
    return out;
  });
  return { rows: decoded };
}

/** The results in order; throws the typed error of the operation (or the commit) that failed. */
export function decodeResults(
  schema: DatabaseSchema,
  operations: readonly AnyOperation[],
  reply: unknown,
): OperationResult[] {
  const results = Array.isArray(reply) ? (reply as unknown[]) : [];
  results.forEach((result, at) => {
    if (!isObject(result) || typeof result["error"] !== "string") return;
    const details = typeof result["details"] === "string" ? result["details"] : undefined;
    throw fromServerError(result["error"], details, at < operations.length ? at : undefined);
  });
  return operations.map((operation, at) => decodeResult(schema, operation, results[at]));
}
