/** The conditions of bucket policies: operators, modifiers, and what they compare. Pure. */
import { parseIpv4, parseIpv6 } from "./ip-address.ts";

/** The values a request has for a condition key (lower case); undefined: none. */
export type ConditionValues = (key: string) => readonly string[] | undefined;

type Compare = (actual: string, wanted: string) => boolean;

/** `*` any run, `?` any character, without building a regular expression from what a client wrote. */
export function isLike(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[next] === "*") {
      star = next;
      next += 1;
      resume = at;
    } else if (next < pattern.length && (pattern[next] === "?" || pattern[next] === text[at])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      next = star + 1;
      resume += 1;
      at = resume;
    } else return false;
  }
  while (pattern[next] === "*") next += 1;
  return next === pattern.length;
}

const numeric =
  (test: (difference: number) => boolean): Compare =>
  (actual, wanted) => {
    const difference = Number(actual) - Number(wanted);
    return actual !== "" && wanted !== "" && !Number.isNaN(difference) && test(difference);
  };

const timeOf = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

const date =
  (test: (difference: number) => boolean): Compare =>
  (actual, wanted) => {
    const difference = timeOf(actual) - timeOf(wanted);
    return !Number.isNaN(difference) && test(difference);
  };

const ORDER: { [suffix: string]: (difference: number) => boolean } = {
  Equals: (difference) => difference === 0,
  LessThan: (difference) => difference < 0,
  LessThanEquals: (difference) => difference <= 0,
  GreaterThan: (difference) => difference > 0,
  GreaterThanEquals: (difference) => difference >= 0,
};

/** An address as a number and its width; IPv4 in IPv6 is IPv4. */
function addressOf(text: string): { value: bigint; bits: number } | null {
  const plain = text.toLowerCase().startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text;
  const v4 = parseIpv4(plain);
  if (v4 !== null) return { value: v4, bits: 32 };
  const v6 = parseIpv6(plain);
  return v6 === null ? null : { value: v6, bits: 128 };
}

/** Is an address inside a CIDR block, or the address itself? */
export function isInBlock(address: string, block: string): boolean {
  const slash = block.indexOf("/");
  const base = addressOf(slash < 0 ? block : block.slice(0, slash));
  const actual = addressOf(address);
  if (base === null || actual === null || base.bits !== actual.bits) return false;
  const length = slash < 0 ? base.bits : Number(block.slice(slash + 1));
  if (!Number.isInteger(length) || length < 0 || length > base.bits) return false;
  const shift = BigInt(base.bits - length);
  return base.value >> shift === actual.value >> shift;
}

const OPERATORS = new Map<string, Compare>([
  ["StringEquals", (actual, wanted) => actual === wanted],
  ["StringEqualsIgnoreCase", (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase()],
  ["StringLike", isLike],
  ["ArnEquals", isLike],
  ["ArnLike", isLike],
  ["BinaryEquals", (actual, wanted) => actual === wanted],
  ["Bool", (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase()],
  ["IpAddress", isInBlock],
  ...Object.entries(ORDER).map(([suffix, test]): [string, Compare] => [`Numeric${suffix}`, numeric(test)]),
  ...Object.entries(ORDER).map(([suffix, test]): [string, Compare] => [`Date${suffix}`, date(test)]),
]);

/** Operators that hold when what they negate does not. */
const NEGATED: { [operator: string]: string } = {
  StringNotEquals: "StringEquals",
  StringNotEqualsIgnoreCase: "StringEqualsIgnoreCase",
  StringNotLike: "StringLike",
  ArnNotEquals: "ArnEquals",
  ArnNotLike: "ArnLike",
  NumericNotEquals: "NumericEquals",
  DateNotEquals: "DateEquals",
  NotIpAddress: "IpAddress",
};

type Operator = { compare: Compare; isNegated: boolean; ifExists: boolean; quantifier: "all" | "any" | null };

/** `ForAnyValue:StringLikeIfExists` and the like; null: no such operator. `Null` is apart. */
export function parseOperator(name: string): Operator | "null" | null {
  if (name === "Null") return "null";
  const quantifier = name.startsWith("ForAllValues:") ? "all" : name.startsWith("ForAnyValue:") ? "any" : null;
  let plain = quantifier === null ? name : name.slice(name.indexOf(":") + 1);
  const ifExists = plain.endsWith("IfExists");
  if (ifExists) plain = plain.slice(0, -"IfExists".length);
  const negated = Object.hasOwn(NEGATED, plain) ? NEGATED[plain] : undefined;
  const compare = OPERATORS.get(negated ?? plain);
  return compare === undefined ? null : { compare, isNegated: negated !== undefined, ifExists, quantifier };
}

/** Does one condition hold? `wanted` may name variables, which `expand` fills in. */
export function holds(
  operatorName: string,
  key: string,
  wanted: readonly string[],
  values: ConditionValues,
  expand: (text: string) => string,
): boolean {
  const operator = parseOperator(operatorName);
  if (operator === null) return false;
  const actual = values(key.toLowerCase());
  if (operator === "null") return wanted.some((each) => (each === "true") === (actual === undefined));
  const { compare, isNegated, ifExists, quantifier } = operator;
  if (actual === undefined || actual.length === 0) return ifExists || isNegated || quantifier === "all";
  const matches = (value: string): boolean => wanted.some((each) => compare(value, expand(each))) !== isNegated;
  return quantifier === "all" || (isNegated && quantifier === null) ? actual.every(matches) : actual.some(matches);
}
