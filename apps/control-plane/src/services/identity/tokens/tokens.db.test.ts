import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import { startTokenVerifier } from "@andromede/platform/tokens/token-verifier";

import {
  type IdentityTest,
  OPERATOR_PASSWORD,
  createIdentityTest,
  passwordAuth,
  tokenAuth,
} from "../testing/signed-in.ts";
import { tokenLifetimeMs } from "./token-lifetime.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

type TokenBody = {
  token: {
    methods: string[];
    user: { id: string; name: string; domain: { id: string; name: string } };
    project?: { id: string; name: string; domain: { id: string } };
    domain?: { id: string };
    system?: { all: boolean };
    roles?: { name: string }[];
    catalog?: { type: string; endpoints: { url: string; interface: string; region: string; region_id: string }[] }[];
    issued_at: string;
    expires_at: string;
    audit_ids: string[];
    is_domain?: boolean;
  };
};
const tokenOf = (answer: { headers: { [name: string]: unknown } }): string => String(answer.headers["x-subject-token"]);
const validate = (token: string, subject = token, plane: "customer" | "operator" = "customer", query = "") =>
  t.inject({
    method: "GET",
    url: `/identity/v3/auth/tokens${query}`,
    token,
    headers: { "x-subject-token": subject },
    plane,
  });

test("a scoped token says who, where, which roles and what there is; validation says the same", async () => {
  const alice = await t.customer("alice");
  const answer = await t.signIn(
    passwordAuth({ name: "alice", domain: { name: "Default" } }, "alice", {
      project: { name: "alice-project", domain: { id: "default" } },
    }),
  );
  assert.equal(answer.status, 201, answer.text);
  const { token } = answer.body as TokenBody;
  assert.deepEqual(token.methods, ["password"]);
  assert.equal(token.user.id, alice.userId);
  assert.deepEqual(token.user.domain, { id: "default", name: "Default" });
  assert.equal(token.project?.id, alice.projectId);
  assert.equal(token.is_domain, false);
  assert.deepEqual(
    token.roles?.map((role) => role.name),
    ["member", "reader"],
  );
  assert.deepEqual(
    token.catalog?.map((one) => one.type),
    ["identity", "compute", "image", "network", "block-storage", "volumev3"],
  );
  assert.equal(token.catalog?.[0]?.endpoints[0]?.url, "https://customer.test/identity/v3");
  assert.equal(token.catalog?.[2]?.endpoints[0]?.url, "https://customer.test/image");
  assert.match(token.issued_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.ok(Date.parse(token.expires_at) > Date.parse(token.issued_at));
  assert.equal(token.audit_ids.length, 1);

  const again = await validate(tokenOf(answer));
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, answer.body);
  assert.deepEqual((await validate(tokenOf(answer))).body, answer.body, "from the cache");
  assert.equal(tokenOf(again), tokenOf(answer));
  const bare = (await validate(tokenOf(answer), tokenOf(answer), "customer", "?nocatalog")).body as TokenBody;
  assert.equal(bare.token.catalog, undefined);
  assert.equal(
    (
      await t.inject({
        method: "HEAD",
        url: "/identity/v3/auth/tokens",
        token: tokenOf(answer),
        headers: { "x-subject-token": tokenOf(answer) },
      })
    ).status,
    200,
  );
  const catalog = await t.as(tokenOf(answer), "GET", "auth/catalog");
  assert.deepEqual((catalog.body as { catalog: unknown }).catalog, token.catalog);
});

test("a token with four roles stays well under 1 KiB", async () => {
  const many = await t.customer("many", ["admin", "manager", "member", "reader"]);
  const token = await many.token();
  assert.ok(token.length < 1024, `${token.length} characters`);
});

test("unscoped, rescoped, for a domain, for the system", async () => {
  const bob = await t.customer("bob");
  const unscoped = await t.signIn(passwordAuth({ id: bob.userId }, "bob"));
  assert.equal(unscoped.status, 201);
  const first = (unscoped.body as TokenBody).token;
  assert.equal(first.roles, undefined);
  assert.equal(first.catalog, undefined);
  assert.equal((await t.as(tokenOf(unscoped), "GET", "auth/catalog")).status, 403);
  const projects = (await t.as(tokenOf(unscoped), "GET", "auth/projects")).body as { projects: { id: string }[] };
  assert.deepEqual(
    projects.projects.map((one) => one.id),
    [bob.projectId],
  );

  t.clock.advance(1000);
  const rescoped = await t.signIn(tokenAuth(tokenOf(unscoped), { project: { id: bob.projectId } }));
  assert.equal(rescoped.status, 201, rescoped.text);
  const second = (rescoped.body as TokenBody).token;
  assert.deepEqual(second.methods.toSorted(), ["password", "token"]);
  assert.equal(second.expires_at, first.expires_at, "exchanging does not prolong");
  assert.equal(second.audit_ids[1], first.audit_ids[0]);
  assert.equal((await t.signIn(tokenAuth(tokenOf(rescoped), { project: { id: t.operator.projectId } }))).status, 401);

  assert.equal(
    (await t.signIn(passwordAuth({ id: bob.userId }, "bob", { domain: { id: "default" } }))).status,
    401,
    "no role there",
  );
  await t.admin("PUT", `domains/default/users/${bob.userId}/roles/${await t.roleId("reader")}`, undefined, 204);
  const forDomain = await t.signIn(passwordAuth({ id: bob.userId }, "bob", { domain: { name: "Default" } }));
  assert.equal((forDomain.body as TokenBody).token.domain?.id, "default");
  const domains = (await t.as(tokenOf(unscoped), "GET", "auth/domains")).body as { domains: { id: string }[] };
  assert.deepEqual(
    domains.domains.map((one) => one.id),
    ["default"],
  );

  const system = await t.signIn(
    passwordAuth({ id: t.operator.id }, OPERATOR_PASSWORD, { system: { all: true } }),
    "operator",
  );
  assert.deepEqual((system.body as TokenBody).token.system, { all: true });
  assert.equal(
    (await t.signIn(tokenAuth(tokenOf(system), { project: { id: t.operator.projectId } }), "operator")).status,
    403,
  );
  await t.admin("PUT", `system/users/${bob.userId}/roles/${await t.roleId("admin")}`, undefined, 204);
  assert.equal(
    (await t.signIn(passwordAuth({ id: bob.userId }, "bob", { system: { all: true } }))).status,
    401,
    "not for customers",
  );
});

test("a default project scopes the token, unless it is no good or unscoped is asked for", async () => {
  const dora = await t.customer("dora");
  await t.admin("PATCH", `users/${dora.userId}`, { user: { default_project_id: dora.projectId } }, 200);
  const scoped = await t.signIn(passwordAuth({ id: dora.userId }, "dora"));
  assert.equal((scoped.body as TokenBody).token.project?.id, dora.projectId);
  for (const scope of ["unscoped", { unscoped: {} }]) {
    assert.equal(
      ((await t.signIn(passwordAuth({ id: dora.userId }, "dora", scope))).body as TokenBody).token.project,
      undefined,
    );
  }
  await t.admin("PATCH", `users/${dora.userId}`, { user: { default_project_id: "0".repeat(32) } }, 200);
  const fallen = await t.signIn(passwordAuth({ id: dora.userId }, "dora"));
  assert.equal(fallen.status, 201);
  assert.equal((fallen.body as TokenBody).token.project, undefined);
});

test("a deleted, foreign, forged or mangled token is not found", async () => {
  const carol = await t.customer("carol");
  const [own, other] = [await carol.token(), await carol.token()];
  assert.equal((await t.as(own, "GET", "auth/tokens")).status, 404, "no subject");
  const gone = await t.inject({
    method: "DELETE",
    url: "/identity/v3/auth/tokens",
    token: own,
    headers: { "x-subject-token": other },
  });
  assert.equal(gone.status, 204);
  assert.equal((await validate(own, other)).status, 404);
  assert.equal((await validate(other, own)).status, 401, "nor does it open anything");
  assert.equal((await validate(own)).status, 200, "the other one lives");
  const [head, key, body, signature] = own.split(".");
  for (const mangled of [
    `${own}A`,
    own.slice(0, -1),
    `${head}.${key}.${body}A.${signature}`,
    `${head}.${key}.${body}`,
    "",
    "gAAAAABl",
    `${own}.`,
  ]) {
    assert.equal((await validate(own, mangled)).status, 404, mangled);
  }
  const david = await t.customer("david");
  assert.equal((await validate(await david.token(), own)).status, 403, "another user's");
  assert.equal((await validate(t.operator.token, own, "operator")).status, 200, "an operator may look at it");
  assert.equal(
    (await validate(own, t.operator.token)).status,
    404,
    "operators' tokens do not exist at the customers' door",
  );
  assert.equal((await validate(t.operator.token)).status, 401);
});

test("a token ends by itself, and earlier when lifetimes are shortened", async () => {
  const erin = await t.customer("erin");
  const token = await erin.token();
  t.clock.advance(8 * 3_600_000 - 1);
  assert.equal((await validate(token)).status, 200);
  const shorter = await startTokenVerifier({
    ...t.app,
    lifetimeMs: 3_600_000,
    log: silentLogger,
  });
  assert.equal(shorter.verify(token, t.app.clock.now()), null);
  await shorter.stop();
  t.clock.advance(1);
  assert.equal((await validate(token)).status, 401);
  // the clock moved on for the operator too
  const again = await t.signIn(passwordAuth({ id: t.operator.id }, OPERATOR_PASSWORD), "operator");
  t.operator.token = tokenOf(again);
});

test("what is revoked here is soon revoked everywhere, told or not", async () => {
  const frank = await t.customer("frank");
  const token = await frank.token();
  const elsewhere = await startTokenVerifier({
    ...t.app,
    lifetimeMs: tokenLifetimeMs(t.app.config),
    log: silentLogger,
  });
  try {
    assert.notEqual(elsewhere.verify(token, t.app.clock.now()), null);
    await t.inject({ method: "DELETE", url: "/identity/v3/auth/tokens", token, headers: { "x-subject-token": token } });
    await waitUntil("the other process to know", () => elsewhere.verify(token, t.app.clock.now()) === null, {
      timeoutMs: 1000,
      everyMs: 5,
    });
    const silent = await frank.token();
    assert.notEqual(elsewhere.verify(silent, t.app.clock.now()), null);
    // a revocation whose notification is lost
    await t.app.db`with tick as (update revocation_clock set value = value + 1 returning value)
      insert into revocation (number, subject, expires_at) select value, ${`user/${frank.userId}`}, now() + interval '1 day' from tick`;
    await waitUntil("the poll to find it", () => elsewhere.verify(silent, t.app.clock.now()) === null, {
      timeoutMs: 1000,
      everyMs: 5,
    });
    assert.notEqual(elsewhere.verify(await frank.token(), t.app.clock.now()), null, "a new sign-in is not concerned");
  } finally {
    await elsewhere.stop();
  }
});

test("a token that was revoked elsewhere cannot be exchanged for a new one", async () => {
  const grace = await t.customer("grace");
  const token = await grace.token();
  await t.app.db`with tick as (update revocation_clock set value = value + 1 returning value)
    insert into revocation (number, subject, expires_at) select value, ${`user/${grace.userId}`}, now() + interval '1 day' from tick`;
  assert.equal((await t.signIn(tokenAuth(token))).status, 401);
});

test("bad requests are refused and change nothing", async () => {
  for (const [auth, status] of [
    [{}, 400],
    [{ auth: {} }, 400],
    [{ auth: { identity: { methods: [] } } }, 400],
    [{ auth: { identity: { methods: ["password"] } } }, 400],
    [{ auth: { identity: { methods: ["token"] } } }, 400],
    [{ auth: { identity: { methods: ["totp"], totp: {} } } }, 400],
    [{ auth: { identity: { methods: ["retina"], retina: {} } } }, 401],
    [passwordAuth({ name: "alice" }, "alice"), 400],
    [passwordAuth({ name: "alice", domain: {} }, "alice"), 400],
    [passwordAuth({ id: 7 }, "alice"), 400],
    [passwordAuth({ id: "x" }, "alice", { project: { name: "p" } }), 400],
    [passwordAuth({ id: "x" }, "alice", { project: { id: "p" }, domain: { id: "d" } }), 400],
    [passwordAuth({ id: "x" }, "alice", "everything"), 400],
    [passwordAuth({ id: "x" }, "alice", { "OS-TRUST:trust": {} }), 400],
    [passwordAuth({ id: "x" }, "alice", { system: { all: false } }), 400],
    [passwordAuth({ name: "nobody", domain: { id: "default" } }, "x"), 401],
    [passwordAuth({ name: "alice", domain: { id: "nowhere" } }, "alice"), 401],
    [passwordAuth({ name: "alice", domain: { id: "default" } }, "wrong"), 401],
    [tokenAuth("nonsense"), 404],
  ] as const) {
    const answer = await t.signIn(auth);
    assert.equal(answer.status, status, JSON.stringify(auth));
    assert.equal((answer.body as { error: { code: number } }).error.code, status);
    assert.equal(answer.headers["x-subject-token"], undefined);
  }
});

test("sign-ins are events, failures with a reason, and no secret is in them", async () => {
  const heidi = await t.customer("heidi");
  await heidi.token();
  await t.signIn(passwordAuth({ id: heidi.userId }, "not-heidis-password"));
  await t.signIn(passwordAuth({ name: "heidis-secret-typed-as-name", domain: { id: "default" } }, "x"));
  const events = await t.events("identity.token.issue");
  const hers = events.filter((event) => (event.body["target"] as { id: string }).id === heidi.userId);
  assert.deepEqual(
    hers.map((event) => event.outcome),
    ["success", "failure"],
  );
  assert.equal(hers[1]?.body["reason"], "wrong password");
  assert.equal((hers[0]?.body["origin"] as { userId: string } | undefined)?.userId, heidi.userId);
  const text = JSON.stringify(events);
  for (const secret of ["not-heidis-password", "heidis-secret-typed-as-name", OPERATOR_PASSWORD])
    assert.ok(!text.includes(secret), secret);
});
