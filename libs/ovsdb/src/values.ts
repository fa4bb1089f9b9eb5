/**
 * OVSDB values (RFC 7047, section 5.1) to and from plain JavaScript, guided by the column's type:
 * one value -> itself; at most one -> value or null; set -> array, sorted; map -> object. UUIDs are strings;
 * in writes `{ named }` stands for a row of the same transaction.
 */
import { isObject } from "@andromede/base/json";

import { OvsdbError } from "./errors.ts";

/** The types OVSDB's values are made of. */
export type AtomType = "integer" | "real" | "boolean" | "string" | "uuid";
/** One such value; a UUID is a string. */
export type Atom = number | boolean | string;
/** What a column holds, decoded. */
export type Value = Atom | null | Atom[] | { [key: string]: Atom };

/** A column's type, boiled down to what coding needs. */
export type ColumnType = { key: AtomType; value: AtomType | undefined; optional: boolean; many: boolean };
/** The columns of a table, by name. */
export type TableColumns = ReadonlyMap<string, ColumnType>;
/** A database's tables, by name. */
export type DatabaseSchema = { version: string; tables: ReadonlyMap<string, TableColumns> };

const UUID_COLUMN: ColumnType = { key: "uuid", value: undefined, optional: false, many: false };

function atomType(base: unknown): AtomType {
  const name = isObject(base) ? base["type"] : base;
  if (name === "integer" || name === "real" || name === "boolean" || name === "string" || name === "uuid") return name;
  throw new OvsdbError("other", `unknown atomic type ${JSON.stringify(base)} in a schema`);
}

function columnType(type: unknown): ColumnType {
  if (!isObject(type)) return { key: atomType(type), value: undefined, optional: false, many: false };
  const max = type["max"] ?? 1;
  return {
    key: atomType(type["key"]),
    value: type["value"] === undefined ? undefined : atomType(type["value"]),
    optional: type["min"] === 0,
    many: max !== 1,
  };
}

/** Reads a database schema as `get_schema` gives it (or an .ovsschema file). */
export function parseSchema(schema: unknown): DatabaseSchema {
  if (!isObject(schema) || !isObject(schema["tables"]))
    throw new OvsdbError("other", "the server's schema is no schema");
  const tables = new Map<string, TableColumns>();
  for (const [name, table] of Object.entries(schema["tables"])) {
    const columns = new Map<string, ColumnType>([["_uuid", UUID_COLUMN]]);
    if (isObject(table) && isObject(table["columns"])) {
      for (const [column, definition] of Object.entries(table["columns"])) {
        columns.set(column, columnType(isObject(definition) ? definition["type"] : undefined));
      }
    }
    tables.set(name, columns);
  }
  return { version: String(schema["version"]), tables };
}

const compareAtoms = (a: Atom, b: Atom): number => (a < b ? -1 : a > b ? 1 : 0);

function decodeAtom(wire: unknown): Atom {
  if (Array.isArray(wire)) {
    // ["uuid", "..."], or in select results of old servers ["named-uuid", "..."].
    const text: unknown = wire[1];
    if (typeof text === "string") return text;
  } else if (typeof wire === "string" || typeof wire === "number" || typeof wire === "boolean") {
    return wire;
  }
  throw new OvsdbError("other", `not an atom: ${JSON.stringify(wire)}`);
}

function elementsOf(wire: unknown, tag: "set" | "map"): unknown[] {
  if (Array.isArray(wire) && wire[0] === tag && Array.isArray(wire[1])) return wire[1] as unknown[];
  return [wire];
}

/** A wire value as JavaScript sees it. */
export function decode(type: ColumnType, wire: unknown): Value {
  if (type.value !== undefined) {
    const pairs = elementsOf(wire, "map").map((pair) => {
      if (!Array.isArray(pair)) throw new OvsdbError("other", `not a pair: ${JSON.stringify(pair)}`);
      return [String(decodeAtom(pair[0])), decodeAtom(pair[1])] as const;
    });
    return Object.fromEntries(pairs);
  }
  if (type.many) return elementsOf(wire, "set").map(decodeAtom).toSorted(compareAtoms);
  if (type.optional) {
    const elements = elementsOf(wire, "set");
    return elements.length === 0 ? null : decodeAtom(elements[0]);
  }
  return decodeAtom(wire);
}

const ZERO_UUID = "00000000-0000-0000-0000-000000000000";
const ATOM_DEFAULTS: Record<AtomType, Atom> = { integer: 0, real: 0, boolean: false, string: "", uuid: ZERO_UUID };

/** What a column holds when nobody wrote it: monitors leave such columns out of new rows. */
export function defaultValue(type: ColumnType): Value {
  if (type.value !== undefined) return {};
  if (type.many) return type.optional ? [] : [ATOM_DEFAULTS[type.key]];
  return type.optional ? null : ATOM_DEFAULTS[type.key];
}

/** Few elements of a large sorted set change at a time (ports of a network): each is found by halving, none sorted again. */
function toggle(sorted: readonly Atom[], elements: readonly Atom[]): Atom[] {
  const result = [...sorted];
  for (const element of elements) {
    let low = 0;
    let high = result.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareAtoms(result[middle] ?? element, element) < 0) low = middle + 1;
      else high = middle;
    }
    if (result[low] === element) result.splice(low, 1);
    else result.splice(low, 0, element);
  }
  return result;
}

/** Applies a `modify` of update2/update3 (ovsdb-server(7)): single values are new, sets and maps are differences. */
export function applyDifference(type: ColumnType, before: Value, wire: unknown): Value {
  const difference = decode(type, wire);
  if (!type.many) return difference;
  if (Array.isArray(before) && Array.isArray(difference)) {
    return toggle(before, difference);
  }
  if (isObject(before) && isObject(difference)) {
    const pairs = { ...before };
    for (const [key, value] of Object.entries(difference)) {
      if (pairs[key] === value) delete pairs[key];
      else pairs[key] = value;
    }
    return pairs;
  }
  throw new OvsdbError("other", "a difference does not fit its column");
}

function encodeAtom(type: AtomType, value: unknown): unknown {
  if (type === "uuid") {
    if (isObject(value) && typeof value["named"] === "string") return ["named-uuid", value["named"]];
    if (typeof value === "string") return ["uuid", value];
  } else if (type === "string") {
    if (typeof value === "string") return value;
  } else if (type === "boolean") {
    if (typeof value === "boolean") return value;
  } else {
    // Keys of JavaScript objects are strings, also where the map's are numbers.
    const number = typeof value === "string" && value !== "" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && (type === "real" || Number.isInteger(number)))
      return number;
  }
  throw new OvsdbError("other", `cannot write ${JSON.stringify(value)} as ${type}`);
}

/** A JavaScript value as the wire wants it. */
export function encode(type: ColumnType, value: unknown): unknown {
  if (type.value !== undefined) {
    const valueType = type.value;
    if (Array.isArray(value)) return ["set", value.map((key) => encodeAtom(type.key, key))];
    if (!isObject(value) || "named" in value)
      throw new OvsdbError("other", `cannot write ${JSON.stringify(value)} as a map`);
    const pairs = Object.entries(value).map(([key, item]) => [encodeAtom(type.key, key), encodeAtom(valueType, item)]);
    return ["map", pairs];
  }
  if (value === null) {
    if (type.optional) return ["set", []];
    throw new OvsdbError("other", "cannot write null into a column that must have a value");
  }
  if (Array.isArray(value)) return ["set", value.map((element) => encodeAtom(type.key, element))];
  return encodeAtom(type.key, value);
}

/** Are two decoded (or to be written) values the same? Order in sets and maps does not count. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return false;
    const elements = new Set<unknown>(a);
    return elements.size === new Set<unknown>(b).size && b.every((element) => elements.has(element));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key] && key in b);
  }
  return a === b;
}
