/**
 * Arrays in PostgreSQL's text format. postgres.js would ask each new connection for the types there are, and whoever kills
 * PostgreSQL in that moment kills us with it: nobody catches the failure of that question. So the built-in types that we
 * use are listed here, and nothing is asked. Pure.
 */

type Parse = (text: string) => unknown;
type Element = { name: string; type: number; array: number; parse: Parse };

const asText: Parse = (text) => text;
const asDate: Parse = (text) => new Date(text);

/** `type` and `array` are the ids of pg_type.dat. */
const ELEMENTS: Element[] = [
  { name: "bool", type: 16, array: 1000, parse: (text) => text === "t" },
  { name: "bytea", type: 17, array: 1001, parse: (text) => Buffer.from(text.slice(2), "hex") },
  { name: "int8", type: 20, array: 1016, parse: Number },
  { name: "int2", type: 21, array: 1005, parse: Number },
  { name: "int4", type: 23, array: 1007, parse: Number },
  { name: "text", type: 25, array: 1009, parse: asText },
  { name: "json", type: 114, array: 199, parse: JSON.parse },
  { name: "cidr", type: 650, array: 651, parse: asText },
  { name: "float4", type: 700, array: 1021, parse: Number },
  { name: "float8", type: 701, array: 1022, parse: Number },
  { name: "macaddr", type: 829, array: 1040, parse: asText },
  { name: "inet", type: 869, array: 1041, parse: asText },
  { name: "varchar", type: 1043, array: 1015, parse: asText },
  { name: "date", type: 1082, array: 1182, parse: asDate },
  { name: "timestamp", type: 1114, array: 1115, parse: asDate },
  { name: "timestamptz", type: 1184, array: 1185, parse: asDate },
  { name: "numeric", type: 1700, array: 1231, parse: asText },
  { name: "uuid", type: 2950, array: 2951, parse: asText },
  { name: "jsonb", type: 3802, array: 3807, parse: JSON.parse },
];

/** What postgres.js takes as `types`. */
export const arrayTypes: {
  [name: string]: { to: number; from: number[]; serialize: (value: unknown) => unknown; parse: Parse };
} = Object.fromEntries(
  ELEMENTS.map(({ name, type, array, parse }) => [
    `${name}Array`,
    {
      to: array,
      from: [array],
      serialize: (value) => (Array.isArray(value) ? writeArray(value, type === 114 || type === 3802) : value),
      parse: (text) => readArray(text, parse),
    },
  ]),
);

/** An array as a literal. Every element is quoted, so that none is taken for NULL or for a part of the syntax. */
export function writeArray(values: readonly unknown[], isJson = false): string {
  const write = (value: unknown): string => {
    if (value === null) return "NULL";
    if (Array.isArray(value) && !isJson) return writeArray(value);
    return `"${writeElement(value, isJson).replaceAll(/["\\]/g, "\\$&")}"`;
  };
  return `{${values.map(write).join(",")}}`;
}

function writeElement(value: unknown, isJson: boolean): string {
  if (isJson) return JSON.stringify(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  throw new TypeError(`an element of the array is of type ${typeof value}`);
}

/** Reads a literal; elements that are arrays are read as such. */
export function readArray(text: string, parse: Parse): unknown[] {
  let at = 0;
  const next = (): string => text[at] ?? "";

  function readQuoted(): string {
    let value = "";
    for (at += 1; next() !== '"'; at += 1) {
      if (at >= text.length) throw new TypeError("an array's literal ends too early");
      if (next() === "\\") at += 1;
      value += next();
    }
    at += 1;
    return value;
  }

  function readOne(): unknown {
    if (next() === "{") return readAll();
    if (next() === '"') return parse(readQuoted());
    const start = at;
    while (at < text.length && next() !== "," && next() !== "}") at += 1;
    const word = text.slice(start, at);
    return word === "NULL" ? null : parse(word);
  }

  function readAll(): unknown[] {
    const values: unknown[] = [];
    at += 1;
    while (next() !== "}") {
      if (at >= text.length) throw new TypeError("an array's literal ends too early");
      values.push(readOne());
      if (next() === ",") at += 1;
    }
    at += 1;
    return values;
  }

  // "[0:1]={...}": bounds other than the usual
  at = text.indexOf("{");
  return readAll();
}
