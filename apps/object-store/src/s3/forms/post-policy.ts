/** The policy of a form: what its signer lets be posted, and until when. Pure. */
import { s3Error } from "../errors.ts";

export type PostPolicy = { expiresAtMs: number; conditions: PostCondition[] };
type PostCondition =
  | { kind: "eq" | "starts-with"; field: string; value: string }
  | { kind: "length"; min: number; max: number };

const invalid = (why: string): Error => s3Error("InvalidPolicyDocument", `Invalid Policy: ${why}`);
const denied = (why: string): Error => s3Error("AccessDenied", `Invalid according to Policy: ${why}`);

/** Base64 of JSON. */
export function parsePostPolicy(text: string): PostPolicy {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64").toString());
  } catch (cause) {
    throw s3Error("InvalidPolicyDocument", "Invalid Policy: Invalid JSON.", { cause });
  }
  if (typeof value !== "object" || value === null) throw invalid("Invalid JSON.");
  const { expiration, conditions } = value as { expiration?: unknown; conditions?: unknown };
  const expiresAtMs = typeof expiration === "string" ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(expiresAtMs)) throw invalid("Invalid 'expiration' value");
  if (!Array.isArray(conditions)) throw invalid("Invalid 'conditions' value: must be a List.");
  return { expiresAtMs, conditions: conditions.flatMap(parseCondition) };
}

function parseCondition(value: unknown): PostCondition[] {
  if (Array.isArray(value)) return [parseTriple(value)];
  if (typeof value !== "object" || value === null) throw invalid("Invalid condition");
  return Object.entries(value).map(([field, wanted]: [string, unknown]) => {
    if (typeof wanted !== "string") throw invalid("Invalid Simple-Condition: value must be a string.");
    return { kind: "eq", field: field.toLowerCase(), value: wanted };
  });
}

function parseTriple(value: unknown[]): PostCondition {
  const [operator, field, wanted] = value;
  const kind = typeof operator === "string" ? operator.toLowerCase() : "";
  if (value.length !== 3) throw invalid("Invalid Condition: must have 3 members.");
  if (kind === "content-length-range") {
    const [min, max] = [Number(field), Number(wanted)];
    if (!(min >= 0) || !(max >= min)) throw invalid("Invalid content-length-range");
    return { kind: "length", min, max };
  }
  if (kind !== "eq" && kind !== "starts-with") throw invalid("Unknown Operation.");
  if (typeof field !== "string" || !field.startsWith("$") || typeof wanted !== "string")
    throw invalid("Invalid Condition");
  return { kind, field: field.slice(1).toLowerCase(), value: wanted };
}

/** Fields that sign, and so need no condition. */
const FREE = new Set(["policy", "x-amz-signature", "file", "submit"]);

/** Every field must be allowed, every condition must hold. Throws AccessDenied. Gives the limits of the file. */
export function checkPostPolicy(
  policy: PostPolicy,
  fields: ReadonlyMap<string, string>,
  nowMs: number,
): { min: number; max: number } {
  if (policy.expiresAtMs <= nowMs) throw denied("Policy expired.");
  const limits = { min: 0, max: Number.POSITIVE_INFINITY };
  const covered = new Set<string>();
  for (const condition of policy.conditions) {
    if (condition.kind === "length") {
      limits.min = Math.max(limits.min, condition.min);
      limits.max = Math.min(limits.max, condition.max);
      continue;
    }
    covered.add(condition.field);
    const actual = fields.get(condition.field) ?? "";
    if (!isMet(condition, actual))
      throw denied(`Policy Condition failed: ["${condition.kind}", "$${condition.field}", "${condition.value}"]`);
  }
  for (const name of fields.keys())
    if (!FREE.has(name) && !name.startsWith("x-ignore-") && name !== "bucket" && !covered.has(name))
      throw denied(`Extra input fields: ${name}`);
  return limits;
}

function isMet(
  { kind, field, value }: { kind: "eq" | "starts-with"; field: string; value: string },
  actual: string,
): boolean {
  if (kind === "eq") return actual === value;
  // a list of types is allowed if each is
  if (field === "content-type") return actual.split(",").every((each) => each.startsWith(value));
  return actual.startsWith(value);
}
