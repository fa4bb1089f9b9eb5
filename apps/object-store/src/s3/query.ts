/** The query string, in the order it came. */
import { s3Error } from "./errors.ts";

export type Query = ReadonlyMap<string, string>;

const EMPTY: Query = new Map();

function decode(raw: string): string {
  if (!raw.includes("%") && !raw.includes("+")) return raw;
  try {
    return decodeURIComponent(raw.replaceAll("+", " "));
  } catch (cause) {
    throw s3Error("InvalidURI", undefined, { cause });
  }
}

/** Every parameter; where one comes twice, its first value. */
export function parseQuery(raw: string): Query {
  if (raw === "") return EMPTY;
  const query = new Map<string, string>();
  for (const [name, value] of queryPairs(raw)) if (!query.has(name)) query.set(name, value);
  return query;
}

/** Every parameter, repeated ones too: what signatures are over. */
export function queryPairs(raw: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const piece of raw.split("&")) {
    if (piece === "") continue;
    const equals = piece.indexOf("=");
    pairs.push(equals < 0 ? [decode(piece), ""] : [decode(piece.slice(0, equals)), decode(piece.slice(equals + 1))]);
  }
  return pairs;
}

/** A whole number between limits, or `otherwise` when it was not given. */
export function queryInteger(
  query: Query,
  name: string,
  limits: { min: number; max: number; otherwise: number },
): number {
  const text = query.get(name);
  if (text === undefined || text === "") return limits.otherwise;
  if (!/^-?\d{1,15}$/.test(text))
    throw s3Error("InvalidArgument", `Provided ${name} not an integer or within integer range`);
  const value = Number(text);
  if (value < limits.min || value > limits.max)
    throw s3Error("InvalidArgument", `Argument ${name} must be an integer between ${limits.min} and ${limits.max}`);
  return value;
}
