/** S3's access control lists. A canonical user is a project: its id is the id, as in Ceph with Keystone. */
import { s3Error } from "../errors.ts";

export type Permission = "FULL_CONTROL" | "READ" | "WRITE" | "READ_ACP" | "WRITE_ACP";
export type Group = "AllUsers" | "AuthenticatedUsers" | "LogDelivery";
export type Grant = { permission: Permission } & ({ project: string } | { group: Group });

export const PERMISSIONS: readonly Permission[] = ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"];

const GROUP_URIS: { [group in Group]: string } = {
  AllUsers: "http://acs.amazonaws.com/groups/global/AllUsers",
  AuthenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
  LogDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery",
};

export const groupUri = (group: Group): string => GROUP_URIS[group];

/** The group a URI names. Throws InvalidArgument. */
export function groupOf(uri: string): Group {
  for (const group of ["AllUsers", "AuthenticatedUsers", "LogDelivery"] as const)
    if (GROUP_URIS[group] === uri) return group;
  throw s3Error("InvalidArgument", "Invalid group uri");
}

/** The grants of an ACL that was stored; null: none was, and all is the owner's. */
export const storedGrants = (acl: unknown): Grant[] | null => (Array.isArray(acl) ? (acl as Grant[]) : null);

const owner = (project: string): Grant => ({ project, permission: "FULL_CONTROL" });
const group = (name: Group, permission: Permission): Grant => ({ group: name, permission });

/** What a canned ACL stands for. `null`: private, which needs no storing. Throws InvalidArgument. */
export function cannedGrants(name: string, owners: { own: string; bucket: string }): Grant[] | null {
  const { own, bucket } = owners;
  switch (name) {
    case "private":
    case "aws-exec-read":
      return null;
    case "public-read":
      return [owner(own), group("AllUsers", "READ")];
    case "public-read-write":
      return [owner(own), group("AllUsers", "READ"), group("AllUsers", "WRITE")];
    case "authenticated-read":
      return [owner(own), group("AuthenticatedUsers", "READ")];
    case "bucket-owner-read":
      return own === bucket ? null : [owner(own), { project: bucket, permission: "READ" }];
    case "bucket-owner-full-control":
      return own === bucket ? null : [owner(own), owner(bucket)];
    case "log-delivery-write":
      return [owner(own), group("LogDelivery", "WRITE"), group("LogDelivery", "READ_ACP")];
    default:
      throw s3Error("InvalidArgument", `The canned ACL ${name.slice(0, 64)} is not known`);
  }
}

const GRANT_HEADERS: readonly [header: string, permission: Permission][] = [
  ["x-amz-grant-read", "READ"],
  ["x-amz-grant-write", "WRITE"],
  ["x-amz-grant-read-acp", "READ_ACP"],
  ["x-amz-grant-write-acp", "WRITE_ACP"],
  ["x-amz-grant-full-control", "FULL_CONTROL"],
];

/** `id="...", uri="..."` of one header. */
function grantees(text: string, permission: Permission): Grant[] {
  return text.split(",").map((piece) => {
    const match = /^\s*(id|uri|emailAddress)\s*=\s*"?([^"]*?)"?\s*$/.exec(piece);
    if (match === null) throw s3Error("InvalidArgument", "Argument format not recognized");
    const [, kind, value = ""] = match;
    if (kind === "emailAddress") throw s3Error("UnresolvableGrantByEmailAddress");
    if (kind === "uri") return { group: groupOf(value), permission };
    return { project: checkProject(value), permission };
  });
}

/** Projects are not looked up: a grant to nobody grants nothing. Throws InvalidArgument on what no id can be. */
export function checkProject(id: string): string {
  if (!/^[\w-]{1,64}$/.test(id)) throw s3Error("InvalidArgument", "Invalid id");
  return id;
}

/** An ACL in headers: a canned one or grants. `undefined`: none was given; `null`: private. */
export function headerGrants(
  header: (name: string) => string | undefined,
  owners: { own: string; bucket: string },
): Grant[] | null | undefined {
  const canned = header("x-amz-acl");
  const explicit: Grant[] = [];
  for (const [name, permission] of GRANT_HEADERS) {
    const text = header(name);
    if (text !== undefined) explicit.push(...grantees(text, permission));
  }
  if (canned !== undefined && explicit.length > 0)
    throw s3Error("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed");
  if (canned !== undefined) return cannedGrants(canned, owners);
  return explicit.length > 0 ? explicit : undefined;
}

/** Does it let in everybody, or everybody with an account? */
export const isPublicAcl = (grants: readonly Grant[] | null): boolean =>
  grants?.some((grant) => "group" in grant && grant.group !== "LogDelivery") ?? false;

/** May somebody do what a permission allows? `ignorePublic`: groups count for nothing. */
export function isGranted(
  grants: readonly Grant[] | null,
  permission: Permission,
  who: { projectId: string | null },
  ignorePublic: boolean,
): boolean {
  if (grants === null) return false;
  return grants.some((grant) => {
    if (grant.permission !== permission && grant.permission !== "FULL_CONTROL") return false;
    if ("project" in grant) return grant.project === who.projectId;
    if (ignorePublic) return false;
    return grant.group === "AllUsers" || (grant.group === "AuthenticatedUsers" && who.projectId !== null);
  });
}
