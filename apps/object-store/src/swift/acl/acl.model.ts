/** X-Container-Read and X-Container-Write: cleaned when they are set, taken apart when they are asked. Pure. */
import { invalid } from "@andromede/base/errors";

import { unquote } from "../wire/text.ts";

export type Acl = {
  /** Hosts, `.domains`, `*`, each with `-` before it where it is shut out. */
  referrers: string[];
  /** `project:user`, roles, `.rlistings`. */
  groups: string[];
};

const REFERRER = new Set([".r", ".ref", ".referer", ".referrer"]);
const NOBODY: Acl = { referrers: [], groups: [] };

/** The form in which it is kept and shown. Throws `invalid` for what Swift does not take. */
export function cleanAcl(kind: "read" | "write", value: string): string {
  const kept: string[] = [];
  for (const raw of value.split(",")) {
    const item = raw.trim();
    if (item === "") continue;
    const colon = item.indexOf(":");
    const first = colon < 0 ? "" : item.slice(0, colon).trim();
    kept.push(first.startsWith(".") ? cleanReferrer(kind, item, first, item.slice(colon + 1).trim()) : item);
  }
  return kept.join(",");
}

function cleanReferrer(kind: "read" | "write", item: string, designator: string, value: string): string {
  if (!REFERRER.has(designator)) throw invalid(`Unknown designator '${designator}' in ACL: '${item}'`);
  if (kind === "write") throw invalid(`Referrers not allowed in write ACL: '${item}'`);
  const denies = value.startsWith("-");
  let host = denies ? value.slice(1).trim() : value;
  if (host !== "*" && host.startsWith("*")) host = host.slice(1).trim();
  if (host === "" || host === ".") throw invalid(`No host/domain value after referrer designation in ACL: '${item}'`);
  return `.r:${denies ? "-" : ""}${host}`;
}

export function parseAcl(value: string | undefined): Acl {
  if (value === undefined || value === "") return NOBODY;
  const acl: Acl = { referrers: [], groups: [] };
  for (const item of value.split(",")) {
    if (item.startsWith(".r:")) acl.referrers.push(item.slice(3));
    else acl.groups.push(unquote(Buffer.from(item, "utf8").toString("latin1")) ?? item);
  }
  return acl;
}

/** The last rule that fits decides. */
export function allowsReferrer({ referrers }: Acl, referrer: string): boolean {
  if (referrers.length === 0) return false;
  const host = hostOf(referrer);
  let allowed = false;
  for (const rule of referrers) {
    const denies = rule.startsWith("-");
    const pattern = denies ? rule.slice(1) : rule;
    const fits = pattern === host || (pattern.startsWith(".") && host.endsWith(pattern));
    if (fits || (!denies && pattern === "*")) allowed = !denies;
  }
  return allowed;
}

function hostOf(referrer: string): string {
  try {
    return new URL(referrer).hostname || "unknown";
  } catch {
    return "unknown";
  }
}

/** Lets in anybody at all, or anybody who has signed in: what S3's public access block is about. */
export const isPublic = ({ referrers, groups }: Acl): boolean =>
  referrers.some((rule) => !rule.startsWith("-")) || groups.includes("*:*");

/** The same without what makes it public. */
export const withoutPublic = ({ groups }: Acl): Acl => ({
  referrers: [],
  groups: groups.filter((group) => group !== "*:*"),
});

export type Identity = {
  userId: string;
  userName: string;
  projectId: string | null;
  projectName: string | null;
  roles: ReadonlySet<string>;
};

/** Does one of the `project:user` rules name them? Names count only where the caller found that they may. */
export function namesIdentity({ groups }: Acl, who: Identity, options: { byName: boolean }): boolean {
  const projects = ["*", ...(who.projectId === null ? [] : [who.projectId])];
  const users = ["*", who.userId];
  if (options.byName) {
    if (who.projectName !== null) projects.push(who.projectName);
    users.push(who.userName);
  }
  return groups.some((group) => {
    for (const project of projects) for (const user of users) if (group === `${project}:${user}`) return true;
    return false;
  });
}

/** Could a name, as against an id, be what lets them in? Saves a look at the database where not. */
export const couldMatchByName = (acl: Acl, who: Identity): boolean =>
  !namesIdentity(acl, who, { byName: false }) && namesIdentity(acl, who, { byName: true });

/** A role alone, of somebody in the account's own project. */
export const namesRole = ({ groups }: Acl, roles: ReadonlySet<string>): boolean =>
  groups.some((group) => !group.includes(":") && [...roles].some((role) => role.toLowerCase() === group.toLowerCase()));
