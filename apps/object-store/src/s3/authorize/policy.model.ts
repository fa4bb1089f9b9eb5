/** Bucket policies: JSON documents that allow and deny ("Policies and permissions in Amazon S3"). Pure. */
import { internal } from "@andromede/base/errors";

import { s3Error } from "../errors.ts";
import { type ConditionValues, holds, isInBlock, isLike, parseOperator } from "./conditions.ts";

type Strings = string | string[];
type PrincipalField = "*" | { [kind: string]: Strings };
type Statement = {
  Sid?: string;
  Effect: "Allow" | "Deny";
  Principal?: PrincipalField;
  NotPrincipal?: PrincipalField;
  Action?: Strings;
  NotAction?: Strings;
  Resource?: Strings;
  NotResource?: Strings;
  Condition?: { [operator: string]: { [key: string]: Strings | boolean | number } };
};
export type Policy = { Version?: string; Id?: string; Statement: Statement | Statement[] };

/** Who asks, as policies name them; null: anonymous. A service of Amazon's is one of ours that does the same. */
export type Principal = { projectId: string | null; userId: string; userName: string } | { service: string } | null;

export const MAX_POLICY_BYTES = 20 * 1024;

const list = (value: Strings | undefined): string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;
const statements = (policy: Policy): Statement[] =>
  Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];

const malformed = (why: string): Error => s3Error("MalformedPolicy", why);
const isRecord = (value: unknown): value is { [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): value is Strings =>
  typeof value === "string" || (Array.isArray(value) && value.every((each) => typeof each === "string"));

const read = new Map<string, Policy>();
const MOST_READ = 1000;

/** A policy as it is kept: the very text that was given. Read once, not once a request. */
export function policyOf(kept: unknown): Policy | undefined {
  if (kept === undefined) return undefined;
  // what is there but cannot be read must not be as if it were not: it may deny
  if (typeof kept !== "string") throw internal("A bucket's policy is not kept as text");
  let policy = read.get(kept);
  if (policy === undefined) {
    if (read.size >= MOST_READ) read.clear();
    policy = JSON.parse(kept) as Policy;
    read.set(kept, policy);
  }
  return policy;
}

/** A policy that is right for this bucket. Throws MalformedPolicy. */
export function parsePolicy(text: string, bucket: string): Policy {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw s3Error("MalformedPolicy", undefined, { cause });
  }
  if (!isRecord(value)) throw malformed("Policies must be valid JSON and the first byte must be '{'");
  for (const name of Object.keys(value))
    if (!["Version", "Id", "Statement"].includes(name)) throw malformed(`Unknown field ${name.slice(0, 64)}`);
  const version = value["Version"];
  if (version !== undefined && version !== "2012-10-17" && version !== "2008-10-17")
    throw malformed("The policy must contain a valid version string");
  const statement = value["Statement"];
  const all: unknown[] = Array.isArray(statement) ? statement : [statement];
  if (all.length === 0) throw malformed("Could not parse the policy: Statement is empty!");
  for (const each of all) checkStatement(each, bucket);
  return value as Policy;
}

const FIELDS = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

function checkStatement(value: unknown, bucket: string): void {
  if (!isRecord(value)) throw malformed("Missing required field Statement");
  for (const name of Object.keys(value)) if (!FIELDS.has(name)) throw malformed(`Unknown field ${name.slice(0, 64)}`);
  if (value["Effect"] !== "Allow" && value["Effect"] !== "Deny") throw malformed("Invalid effect");
  exactlyOne(value, "Principal", "NotPrincipal");
  if (value["Effect"] === "Allow" && value["NotPrincipal"] !== undefined)
    throw s3Error("InvalidArgument", "Allow with NotPrincipal is not allowed.");
  exactlyOne(value, "Action", "NotAction");
  exactlyOne(value, "Resource", "NotResource");
  checkPrincipal(value["Principal"] ?? value["NotPrincipal"]);
  checkActions(value["Action"] ?? value["NotAction"]);
  checkResources(value["Resource"] ?? value["NotResource"], bucket);
  if (value["Condition"] !== undefined) checkConditions(value["Condition"]);
}

function exactlyOne(value: { [name: string]: unknown }, name: string, other: string): void {
  if ((value[name] === undefined) === (value[other] === undefined)) throw malformed(`Missing required field ${name}`);
}

function checkPrincipal(value: unknown): void {
  if (value === "*") return;
  if (!isRecord(value)) throw malformed("Invalid principal in policy");
  for (const [kind, names] of Object.entries(value)) {
    if (!["AWS", "CanonicalUser", "Service", "Federated"].includes(kind) || !isStrings(names))
      throw malformed("Invalid principal in policy");
  }
}

function checkActions(value: unknown): void {
  if (!isStrings(value) || list(value).length === 0) throw malformed("Policy has invalid action");
  for (const action of list(value))
    if (action !== "*" && !/^s3:[A-Za-z0-9*?]+$/i.test(action)) throw malformed("Policy has invalid action");
}

function checkResources(value: unknown, bucket: string): void {
  if (!isStrings(value) || list(value).length === 0) throw malformed("Policy has invalid resource");
  for (const resource of list(value)) {
    const path = resource.replace(/^arn:[\w*?-]*:s3:[^:]*:[^:]*:/, "");
    if (path === resource || !isLike(bucket, path.split("/", 1)[0] ?? ""))
      throw malformed("Policy has invalid resource");
  }
}

function checkConditions(value: unknown): void {
  if (!isRecord(value)) throw malformed("Invalid Condition");
  for (const [operator, keys] of Object.entries(value)) {
    if (parseOperator(operator) === null) throw malformed(`Invalid Condition type : ${operator.slice(0, 64)}`);
    if (!isRecord(keys)) throw malformed("Invalid Condition");
    for (const wanted of Object.values(keys))
      if (!isStrings(wanted) && typeof wanted !== "boolean" && typeof wanted !== "number")
        throw malformed("Invalid Condition value");
  }
}

export type Asked = {
  principal: Principal;
  /** `s3:GetObject`. */
  action: string;
  /** `arn:aws:s3:::bucket` or `arn:aws:s3:::bucket/key`. */
  resource: string;
  values: ConditionValues;
};

/** Deny beats allow; null: the policy says nothing. */
export function evaluatePolicy(policy: Policy, asked: Asked): "allow" | "deny" | null {
  let verdict: "allow" | null = null;
  for (const statement of statements(policy)) {
    if (!applies(statement, asked)) continue;
    if (statement.Effect === "Deny") return "deny";
    verdict = "allow";
  }
  return verdict;
}

function applies(statement: Statement, asked: Asked): boolean {
  const expand = (text: string): string => expandVariables(text, asked.values);
  if (!isNamed(statement, asked.principal)) return false;
  const action = asked.action.toLowerCase();
  const isAction = (pattern: string): boolean => isLike(action, pattern.toLowerCase());
  if (
    statement.Action !== undefined ? !list(statement.Action).some(isAction) : list(statement.NotAction).some(isAction)
  )
    return false;
  const isResource = (pattern: string): boolean => isLike(asked.resource, withPartition(expand(pattern)));
  if (
    statement.Resource !== undefined
      ? !list(statement.Resource).some(isResource)
      : list(statement.NotResource).some(isResource)
  )
    return false;
  return conditionsHold(statement, asked.values, expand);
}

/** Partition, region and account of a bucket's ARN are Amazon's business: whatever they are, the bucket is ours. */
const withPartition = (pattern: string): string => pattern.replace(/^arn:[^:]*:s3:[^:]*:[^:]*:/, "arn:aws:s3:::");

function conditionsHold(statement: Statement, values: ConditionValues, expand: (text: string) => string): boolean {
  for (const [operator, keys] of Object.entries(statement.Condition ?? {}))
    for (const [key, wanted] of Object.entries(keys)) {
      const texts = Array.isArray(wanted) ? wanted : [String(wanted)];
      if (!holds(operator, key, texts, values, expand)) return false;
    }
  return true;
}

/** `${aws:username}` and its like; `${*}`, `${?}` and `${$}` are those characters. */
function expandVariables(text: string, values: ConditionValues): string {
  if (!text.includes("${")) return text;
  return text.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
    if (name === "*" || name === "?" || name === "$") return name;
    return values(name.toLowerCase())?.[0] ?? "";
  });
}

function isNamed(statement: Statement, principal: Principal): boolean {
  if (statement.Principal !== undefined) return matchesPrincipal(statement.Principal, principal);
  return statement.NotPrincipal !== undefined && !matchesPrincipal(statement.NotPrincipal, principal);
}

function matchesPrincipal(field: PrincipalField, principal: Principal): boolean {
  if (field === "*") return true;
  if (principal !== null && "service" in principal)
    return list(field["AWS"]).includes("*") || list(field["Service"]).includes(principal.service);
  const names = [...list(field["AWS"]), ...list(field["CanonicalUser"])];
  return names.some((name) => name === "*" || (principal !== null && namesOf(principal).has(name)));
}

/** All that a policy may call somebody: as in Ceph, an account is a project. */
function namesOf({ projectId, userId, userName }: Exclude<Principal, { service: string } | null>): Set<string> {
  const project = projectId ?? "";
  return new Set([
    project,
    `arn:aws:iam::${project}:root`,
    `arn:aws:iam::${project}:user/${userId}`,
    `arn:aws:iam::${project}:user/${userName}`,
  ]);
}

const FIXED_KEYS = new Set([
  "aws:sourcearn",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "aws:sourceowner",
  "aws:sourceaccount",
  "aws:userid",
  "aws:username",
  "aws:principalarn",
  "aws:principalaccount",
]);
const POSITIVE = /^(ForAnyValue:)?(String(Equals|EqualsIgnoreCase|Like)|Arn(Equals|Like)|IpAddress)$/;

/** Does it let in whoever comes ("The meaning of public" in Amazon's user guide)? */
export function isPublicPolicy(policy: Policy): boolean {
  return statements(policy).some((statement) => {
    if (statement.Effect !== "Allow") return false;
    if (statement.Principal !== undefined && !isEverybody(statement.Principal)) return false;
    return !isRestricted(statement);
  });
}

const isEverybody = (field: PrincipalField): boolean =>
  field === "*" || [...list(field["AWS"]), ...list(field["CanonicalUser"])].includes("*");

function isRestricted(statement: Statement): boolean {
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    if (!POSITIVE.test(operator)) continue;
    for (const [key, wanted] of Object.entries(keys)) {
      const texts = Array.isArray(wanted) ? wanted : [String(wanted)];
      const name = key.toLowerCase();
      if (name === "aws:sourceip" && texts.every((text) => !isInBlock("0.0.0.0", text) && !text.endsWith("/0")))
        return true;
      if (FIXED_KEYS.has(name) && texts.every((text) => !/[*?]|\$\{/.test(text))) return true;
    }
  }
  return false;
}
