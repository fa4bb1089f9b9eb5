import assert from "node:assert/strict";
import { test } from "node:test";

import type { Actor } from "@andromede/platform/tokens/actor";

import type { Container, ContainerSettings } from "../../namespace/container.model.ts";
import { cannedGrants, headerGrants, isPublicAcl } from "./acl.model.ts";
import { type Action, type Request, grantOf } from "./decide.ts";

const actor = (projectId: string, ...roles: string[]): Actor => ({
  userId: `user-of-${projectId}`,
  userName: "somebody",
  userDomainId: "default",
  projectId,
  projectName: projectId,
  projectDomainId: "default",
  domainId: null,
  roles: new Set(roles),
  directory: "customer",
  auditIds: [],
  expiresAtMs: 0,
});

const container = (settings: ContainerSettings = {}): Container => ({
  id: 1,
  projectId: "owner",
  name: "docs",
  globalName: "docs",
  wrappedKey: Buffer.alloc(0),
  wrappedName: "",
  metadata: {},
  settings,
  quotaBytes: null,
  quotaObjects: null,
  createdBy: "",
  createdAt: new Date(0),
  updatedAt: new Date(0),
});

const may = (
  who: Actor | null,
  action: Action,
  settings: ContainerSettings = {},
  more: Partial<Request> = {},
): boolean =>
  grantOf({
    actor: who,
    plane: "customer",
    action,
    container: container(settings),
    key: "k",
    values: () => undefined,
    ...more,
  }) !== null;

const member = actor("owner", "member");
const reader = actor("owner", "reader");
const stranger = actor("other", "member");

test("roles of the owning project", () => {
  for (const role of ["member", "manager", "admin"]) assert.ok(may(actor("owner", role), "s3:DeleteObject"), role);
  assert.ok(may(reader, "s3:GetObject"));
  assert.ok(may(reader, "s3:ListBucket"));
  assert.ok(!may(reader, "s3:PutObject"));
  assert.ok(!may(reader, "s3:BypassGovernanceRetention"));
  assert.ok(!may(actor("owner", "auditor"), "s3:GetObject"));
  assert.ok(!may(stranger, "s3:GetObject"));
  assert.ok(!may(null, "s3:GetObject"));
});

test("resellers and operators' administrators may do anything, these at their own door only", () => {
  assert.ok(may(actor("other", "ResellerAdmin"), "s3:DeleteBucket"));
  const operator: Actor = { ...actor("ops", "admin"), directory: "operator" };
  assert.ok(may(operator, "s3:DeleteBucket", {}, { plane: "operator" }));
  assert.ok(!may(operator, "s3:DeleteBucket"));
  assert.ok(!may(actor("ops", "admin"), "s3:DeleteBucket", {}, { plane: "operator" }));
});

const policy = (Effect: string, Principal: unknown, Action = "s3:*"): ContainerSettings => ({
  policy: JSON.stringify({
    Statement: [{ Effect, Principal, Action, Resource: ["arn:aws:s3:::docs", "arn:aws:s3:::docs/*"] }],
  }),
});

test("policies allow strangers and deny owners, who can still mend them", () => {
  assert.ok(may(stranger, "s3:GetObject", policy("Allow", { AWS: "other" })));
  assert.ok(may(null, "s3:GetObject", policy("Allow", "*")));
  assert.ok(!may(member, "s3:GetObject", policy("Deny", "*")));
  assert.ok(may(member, "s3:DeleteBucketPolicy", policy("Deny", "*")));
  assert.ok(!may(reader, "s3:DeleteBucketPolicy", policy("Deny", "*")));
  assert.ok(may(reader, "s3:PutObject", policy("Allow", { AWS: "owner" }, "s3:PutObject")));
});

test("public access can be blocked, whoever allowed it", () => {
  const block = {
    blockPublicAcls: false,
    ignorePublicAcls: true,
    blockPublicPolicy: false,
    restrictPublicBuckets: true,
  };
  assert.ok(!may(stranger, "s3:GetObject", { ...policy("Allow", "*"), publicAccessBlock: block }));
  assert.ok(may(stranger, "s3:GetObject", { ...policy("Allow", { AWS: "other" }), publicAccessBlock: block }));
  const s3Acl = cannedGrants("public-read", { own: "owner", bucket: "owner" });
  assert.ok(may(null, "s3:ListBucket", { s3Acl }));
  assert.ok(!may(null, "s3:ListBucket", { s3Acl, publicAccessBlock: block }));
  assert.ok(!may(null, "s3:ListBucket", { s3Acl, ownership: "BucketOwnerEnforced" }));
});

test("ACLs of buckets and objects", () => {
  const write = cannedGrants("public-read-write", { own: "owner", bucket: "owner" });
  assert.ok(may(null, "s3:PutObject", { s3Acl: write }));
  assert.ok(!may(null, "s3:GetObject", { s3Acl: write }));
  const acl = cannedGrants("authenticated-read", { own: "owner", bucket: "owner" });
  assert.ok(may(stranger, "s3:GetObject", {}, { object: { acl } }));
  assert.ok(!may(null, "s3:GetObject", {}, { object: { acl } }));
  assert.ok(!may(stranger, "s3:GetObjectAcl", {}, { object: { acl } }));
  assert.ok(may(stranger, "s3:GetObject", {}, { swiftAllows: (access) => access === "read" }));
  assert.ok(!may(stranger, "s3:PutObject", {}, { swiftAllows: (access) => access === "read" }));
});

test("with ObjectWriter the writer owns what it wrote", () => {
  const object = { owner: "other" };
  const settings: ContainerSettings = { ownership: "ObjectWriter" };
  assert.ok(may(stranger, "s3:GetObject", settings, { object }));
  assert.ok(!may(member, "s3:GetObject", settings, { object }));
  assert.ok(may(member, "s3:DeleteObject", settings, { object }));
  assert.ok(may(member, "s3:GetObject", {}, { object }));
  assert.ok(!may(stranger, "s3:GetObject", {}, { object }));
});

test("ACLs in headers", () => {
  const owners = { own: "o", bucket: "b" };
  const read = (headers: { [name: string]: string }) => headerGrants((name) => headers[name], owners);
  assert.equal(read({}), undefined);
  assert.equal(read({ "x-amz-acl": "private" }), null);
  assert.ok(isPublicAcl(read({ "x-amz-acl": "public-read" }) ?? null));
  assert.deepEqual(read({ "x-amz-acl": "bucket-owner-read" })?.at(-1), { project: "b", permission: "READ" });
  assert.deepEqual(read({ "x-amz-grant-read": 'id="abc", uri="http://acs.amazonaws.com/groups/global/AllUsers"' }), [
    { project: "abc", permission: "READ" },
    { group: "AllUsers", permission: "READ" },
  ]);
  assert.throws(() => read({ "x-amz-acl": "nope" }), { type: "InvalidArgument" });
  assert.throws(() => read({ "x-amz-acl": "private", "x-amz-grant-read": 'id="a"' }), { type: "InvalidRequest" });
  assert.throws(() => read({ "x-amz-grant-read": "emailAddress=a@b" }), { type: "UnresolvableGrantByEmailAddress" });
  assert.throws(() => read({ "x-amz-grant-read": "uri=http://x" }), { type: "InvalidArgument" });
});
