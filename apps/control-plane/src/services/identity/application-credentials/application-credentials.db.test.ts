import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type IdentityTest, createIdentityTest, passwordAuth, tokenAuth } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

type Credential = {
  id: string;
  name: string;
  secret?: string;
  expires_at: string | null;
  project_id: string;
  roles: { name: string }[];
  unrestricted: boolean;
};
const create = (token: string, userId: string, body: object) =>
  t.as(token, "POST", `users/${userId}/application_credentials`, { application_credential: body });
const made = (answer: { status: number; text: string; body: unknown }): Credential => {
  assert.equal(answer.status, 201, answer.text);
  return (answer.body as { application_credential: Credential }).application_credential;
};
const credentialAuth = (credential: object, scope?: unknown) => ({
  auth: {
    identity: { methods: ["application_credential"], application_credential: credential },
    ...(scope === undefined ? {} : { scope }),
  },
});
const works = async (token: string): Promise<boolean> => (await t.as(token, "GET", "auth/projects")).status === 200;
const tokenOf = (answer: { headers: { [name: string]: unknown } }): string => String(answer.headers["x-subject-token"]);

test("made once with a secret shown once; signs in for its project with its roles", async () => {
  const user = await t.customer("ada", ["manager"]);
  const token = await user.token();
  const expires = "2100-01-02T03:04:05.123456";
  const credential = made(
    await create(token, user.userId, { name: "robot", roles: [{ name: "member" }], expires_at: expires }),
  );
  assert.equal(credential.expires_at, expires);
  assert.equal(credential.project_id, user.projectId);
  assert.equal(credential.unrestricted, false);
  assert.ok((credential.secret ?? "").length >= 86);

  const answer = await t.signIn(credentialAuth({ id: credential.id, secret: credential.secret }));
  assert.equal(answer.status, 201, answer.text);
  const body = answer.body as {
    token: {
      methods: string[];
      project: { id: string };
      roles: { name: string }[];
      application_credential: { name: string; restricted: boolean };
    };
  };
  assert.deepEqual(body.token.methods, ["application_credential"]);
  assert.equal(body.token.project.id, user.projectId);
  assert.deepEqual(
    body.token.roles.map((role) => role.name),
    ["member", "reader"],
    "what was lent, not all there is",
  );
  assert.deepEqual(body.token.application_credential, { id: credential.id, name: "robot", restricted: true });
  const byName = await t.signIn(
    credentialAuth({ name: "robot", user: { name: "ada", domain: { id: "default" } }, secret: credential.secret }),
  );
  assert.equal(byName.status, 201);
  assert.equal((await t.signIn(credentialAuth({ id: credential.id, secret: "wrong" }))).status, 401);
  assert.equal((await t.signIn(credentialAuth({ id: "none", secret: "wrong" }))).status, 401);
  assert.equal(
    (
      await t.signIn(
        credentialAuth({ id: credential.id, secret: credential.secret }, { project: { id: user.projectId } }),
      )
    ).status,
    401,
  );
  assert.equal((await t.signIn(credentialAuth({ name: "robot", secret: "x" }))).status, 400);

  const shown = await t.as(token, "GET", `users/${user.userId}/application_credentials/${credential.id}`);
  assert.ok(!shown.text.includes("secret"));
  for (const [query, count] of [
    ["", 1],
    ["?name=robot", 1],
    ["?name=rob", 0],
  ] as const) {
    const list = (await t.as(token, "GET", `users/${user.userId}/application_credentials${query}`)).body as {
      application_credentials: Credential[];
    };
    assert.equal(list.application_credentials.length, count, query);
  }
  assert.equal((await create(token, user.userId, { name: "robot" })).status, 409);
});

test("its token makes no other credentials, keeps its bounds when exchanged, and ends with it", async () => {
  const user = await t.customer("bea", ["manager"]);
  const token = await user.token();
  const restricted = made(await create(token, user.userId, { name: "restricted", roles: [{ name: "reader" }] }));
  const signedIn = tokenOf(await t.signIn(credentialAuth({ id: restricted.id, secret: restricted.secret })));
  assert.equal((await create(signedIn, user.userId, { name: "more" })).status, 403);
  assert.equal(
    (await t.as(signedIn, "DELETE", `users/${user.userId}/application_credentials/${restricted.id}`)).status,
    403,
  );
  assert.equal((await t.signIn(tokenAuth(signedIn, { project: { id: user.projectId } }))).status, 403);
  const exchanged = await t.signIn(tokenAuth(signedIn));
  assert.equal(exchanged.status, 201, exchanged.text);
  const body = exchanged.body as { token: { roles: { name: string }[]; application_credential: { id: string } } };
  assert.deepEqual(
    body.token.roles.map((role) => role.name),
    ["reader"],
  );
  assert.equal(body.token.application_credential.id, restricted.id);

  const free = made(
    await create(token, user.userId, { name: "free", unrestricted: true, roles: [{ name: "reader" }] }),
  );
  const freeToken = tokenOf(await t.signIn(credentialAuth({ id: free.id, secret: free.secret })));
  assert.deepEqual(
    made(await create(freeToken, user.userId, { name: "child" })).roles.map((role) => role.name),
    ["reader"],
  );
  assert.equal((await create(freeToken, user.userId, { name: "greedy", roles: [{ name: "manager" }] })).status, 400);

  assert.equal(
    (await t.as(token, "DELETE", `users/${user.userId}/application_credentials/${restricted.id}`)).status,
    204,
  );
  assert.equal(await works(signedIn), false);
  assert.equal(await works(tokenOf(exchanged)), false);
  assert.equal(await works(freeToken), true);
  assert.equal((await t.signIn(credentialAuth({ id: restricted.id, secret: restricted.secret }))).status, 401);
});

test("it ends when it expires, and so does its token", async () => {
  const user = await t.customer("cleo");
  const token = await user.token();
  const soon = new Date(t.app.clock.now() + 60_000).toISOString();
  const credential = made(await create(token, user.userId, { name: "short", expires_at: soon }));
  const answer = await t.signIn(credentialAuth({ id: credential.id, secret: credential.secret }));
  assert.equal((answer.body as { token: { expires_at: string } }).token.expires_at, soon.replace("Z", "000Z"));
  t.clock.advance(60_000);
  assert.equal(await works(tokenOf(answer)), false);
  assert.equal((await t.signIn(credentialAuth({ id: credential.id, secret: credential.secret }))).status, 401);
});

test("it goes with the role, the project or the account, and stays when the password changes", async () => {
  const member = await t.roleId("member");
  for (const [name, act, survives] of [
    [
      "c-password",
      (u: { userId: string }) => t.admin("PATCH", `users/${u.userId}`, { user: { password: "new" } }, 200),
      true,
    ],
    [
      "c-role",
      (u: { userId: string; projectId: string }) =>
        t.admin("DELETE", `projects/${u.projectId}/users/${u.userId}/roles/${member}`, undefined, 204),
      false,
    ],
    ["c-project", (u: { projectId: string }) => t.admin("DELETE", `projects/${u.projectId}`, undefined, 204), false],
    [
      "c-disabled",
      (u: { userId: string }) => t.admin("PATCH", `users/${u.userId}`, { user: { enabled: false } }, 200),
      false,
    ],
    ["c-deleted", (u: { userId: string }) => t.admin("DELETE", `users/${u.userId}`, undefined, 204), false],
  ] as const) {
    const user = await t.customer(name);
    const credential = made(await create(await user.token(), user.userId, { name: "robot" }));
    const signIn = () => t.signIn(credentialAuth({ id: credential.id, secret: credential.secret }));
    const token = tokenOf(await signIn());
    await act(user);
    assert.equal(await works(token), false, `${name}: the token`);
    assert.equal((await signIn()).status, survives ? 201 : 401, name);
    const [row] = await t.app.db<
      { n: number }[]
    >`select count(*)::int as n from application_credential where id = ${credential.id}`;
    assert.equal(row?.n, survives ? 1 : 0, name);
  }
});

test("only one's own, and nothing that would not be enforced", async () => {
  const [one, two] = [await t.customer("dan"), await t.customer("eli")];
  const [token, other] = [await one.token(), await two.token()];
  const credential = made(await create(token, one.userId, { name: "mine" }));
  const path = `users/${one.userId}/application_credentials/${credential.id}`;
  for (const method of ["GET", "DELETE"]) assert.equal((await t.as(other, method, path)).status, 403);
  assert.equal((await create(other, one.userId, { name: "theirs" })).status, 403);
  assert.equal((await t.as(other, "GET", `users/${two.userId}/application_credentials/${credential.id}`)).status, 404);
  const unscoped = tokenOf(await t.signIn(passwordAuth({ id: one.userId }, "dan", "unscoped")));
  assert.equal((await create(unscoped, one.userId, { name: "nowhere" })).status, 403);
  for (const wrong of [
    {},
    { name: "" },
    { name: "x", expires_at: "tomorrow" },
    { name: "x", expires_at: "2001-01-01T00:00:00" },
    { name: "x", expires_at: "2100-13-01T00:00:00" },
    { name: "x", roles: [{ name: "admin" }] },
    { name: "x", roles: [{}] },
    { name: "x", access_rules: [{ path: "v2", method: "GET", service: "compute" }] },
    { name: "x", access_rules: [{ path: "/", method: "TRACE", service: "compute" }] },
    { name: "x", access_rules: [{ path: "/" }] },
    { name: "x", unknown: 1 },
  ]) {
    assert.equal((await create(token, one.userId, wrong)).status, 400, JSON.stringify(wrong));
  }
  await t.admin("DELETE", path, undefined, 204);
});
