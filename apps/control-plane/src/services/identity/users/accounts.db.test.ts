import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type IdentityTest, createIdentityTest, passwordAuth } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest({ lockoutFailures: 2, lockoutSeconds: 5, passwordHistory: 2 });
});
after(() => t.close());

const works = async (token: string): Promise<boolean> => (await t.as(token, "GET", "auth/projects")).status === 200;
const signInStatus = async (id: string, password: string): Promise<number> =>
  (await t.signIn(passwordAuth({ id }, password))).status;
const changePassword = (id: string, from: string, to: string, token?: string) =>
  t.inject({
    method: "POST",
    url: `/identity/v3/users/${id}/password`,
    body: { user: { password: to, original_password: from } },
    ...(token === undefined ? {} : { token }),
  });

test("two failures lock an account for five seconds, for the right password too", async () => {
  const { userId } = await t.customer("lock");
  assert.equal(await signInStatus(userId, "wrong"), 401);
  assert.equal(await signInStatus(userId, "lock"), 201, "one failure does not lock, and success forgets it");
  assert.equal(await signInStatus(userId, "wrong"), 401);
  assert.equal(await signInStatus(userId, "wrong"), 401);
  assert.equal(await signInStatus(userId, "lock"), 401, "locked");
  t.clock.advance(4_900);
  assert.equal(await signInStatus(userId, "lock"), 401, "still");
  t.clock.advance(200);
  assert.equal(await signInStatus(userId, "lock"), 201, "attempts while locked did not prolong it");
  const reasons = (await t.events("identity.token.issue"))
    .filter((event) => event.outcome === "failure" && (event.body["target"] as { id: string }).id === userId)
    .map((event) => event.body["reason"]);
  assert.deepEqual(reasons, ["wrong password", "wrong password", "wrong password", "account locked", "account locked"]);
});

test("after a lock the count starts anew", async () => {
  const { userId } = await t.customer("relock");
  for (const _ of [1, 2]) await signInStatus(userId, "wrong");
  t.clock.advance(6_000);
  assert.equal(await signInStatus(userId, "wrong"), 401);
  assert.equal(await signInStatus(userId, "relock"), 201);
});

test("many guesses at once do not get past the lock", async () => {
  const { userId } = await t.customer("burst");
  await Promise.all(Array.from({ length: 8 }, () => signInStatus(userId, "wrong")));
  assert.equal(await signInStatus(userId, "burst"), 401);
});

test("self-service password: the last two cannot come back, old tokens end, the new password works at once", async () => {
  const user = await t.customer("eve");
  const token = await user.token();
  assert.equal((await changePassword(user.userId, "wrong", "eve-1", token)).status, 401);
  assert.equal((await changePassword(user.userId, "eve", "eve", token)).status, 400, "the same again");
  assert.equal((await changePassword(user.userId, "eve", "eve-1", token)).status, 204);
  assert.equal(await works(token), false);
  assert.equal(await signInStatus(user.userId, "eve"), 401);
  const fresh = await t.signIn(passwordAuth({ id: user.userId }, "eve-1"));
  assert.equal(fresh.status, 201);
  assert.equal(await works(String(fresh.headers["x-subject-token"])), true);
  assert.equal(
    (await changePassword(user.userId, "eve-1", "eve-2")).status,
    204,
    "without a token: knowing it is enough",
  );
  assert.equal((await changePassword(user.userId, "eve-2", "eve-1")).status, 400);
  assert.equal((await changePassword(user.userId, "eve-2", "eve-2")).status, 400);
  assert.equal((await changePassword(user.userId, "eve-2", "eve")).status, 204, "three ago is forgotten");
  for (const body of [
    {},
    { user: {} },
    { user: { password: "x" } },
    { user: { password: "", original_password: "eve" } },
  ]) {
    const answer = await t.inject({ method: "POST", url: `/identity/v3/users/${user.userId}/password`, body });
    assert.equal(answer.status, 400, JSON.stringify(body));
  }
  assert.equal((await changePassword("nobody", "x", "y")).status, 401);
});

test("guessing through the password change locks as well", async () => {
  const { userId } = await t.customer("guess");
  for (const _ of [1, 2]) assert.equal((await changePassword(userId, "wrong", "x")).status, 401);
  assert.equal((await changePassword(userId, "guess", "x")).status, 401);
  assert.equal(await signInStatus(userId, "guess"), 401);
});

test("an operator's account does not exist at the customers' door, and cannot be locked from there", async () => {
  const credentials = passwordAuth({ name: "operator", domain: { id: "operators" } }, "operators-own-password");
  const wrong = await t.signIn(passwordAuth({ name: "operator", domain: { id: "operators" } }, "guess"));
  const right = await t.signIn(credentials);
  assert.equal(right.status, 401);
  assert.deepEqual(right.body, wrong.body);
  for (const _ of [1, 2, 3]) await t.signIn(passwordAuth({ name: "operator", domain: { id: "operators" } }, "guess"));
  assert.equal((await t.signIn(credentials, "operator")).status, 201);
  assert.equal((await changePassword(t.operator.id, "operators-own-password", "stolen")).status, 401);
  const last = (await t.events("identity.token.issue")).filter((event) => event.outcome === "failure").at(-1);
  assert.equal(last?.body["reason"], "operator account at the customers' door");
  const customer = await t.customer("walter");
  assert.equal(
    (await t.signIn(passwordAuth({ id: customer.userId }, "walter"), "operator")).status,
    201,
    "customers are welcome on both",
  );
});

test("disabling or deleting a user, or a new password from the operator, ends the tokens", async () => {
  for (const [name, act] of [
    ["u-disabled", (id: string) => t.admin("PATCH", `users/${id}`, { user: { enabled: false } }, 200)],
    ["u-password", (id: string) => t.admin("PATCH", `users/${id}`, { user: { password: "other" } }, 200)],
    ["u-deleted", (id: string) => t.admin("DELETE", `users/${id}`, undefined, 204)],
  ] as const) {
    const user = await t.customer(name);
    const token = await user.token();
    assert.equal(await works(token), true, name);
    await act(user.userId);
    assert.equal(await works(token), false, name);
    assert.equal(await signInStatus(user.userId, name), 401, name);
  }
});

test("users are kept as Keystone keeps them", async () => {
  const { user } = (await t.admin(
    "POST",
    "users",
    {
      user: {
        name: " Zoë  <&> ",
        email: "zoe@example.org",
        password: "geheim",
        favourite: { colour: "blue" },
        original_password: "x",
      },
    },
    201,
  )) as { user: { [key: string]: unknown } & { id: string } };
  assert.match(user.id, /^[0-9a-f]{32}$/);
  assert.deepEqual(
    { ...user, id: "" },
    {
      id: "",
      name: "Zoë  <&>",
      domain_id: "default",
      enabled: true,
      email: "zoe@example.org",
      favourite: { colour: "blue" },
      password_expires_at: null,
      options: {},
      links: { self: `https://operator.test/identity/v3/users/${user.id}` },
    },
  );
  const stored = JSON.stringify(await t.app.db`select * from user_account where id = ${user.id}`);
  assert.ok(!stored.includes("geheim"));
  const changed = (await t.admin("PATCH", `users/${user.id}`, { user: { email: null, description: "d" } }, 200)) as {
    user: { [key: string]: unknown };
  };
  assert.equal(changed.user["email"], null);
  assert.equal(changed.user["description"], "d");
  assert.deepEqual(changed.user["favourite"], { colour: "blue" });
  await t.admin("POST", "users", { user: { name: "Zoë  <&>" } }, 409);
  await t.admin("POST", "users", { user: { name: "Zoë  <&>", domain_id: "operators" } }, 201);
  for (const [wrong, status] of [
    [{ name: "" }, 400],
    [{ name: "   " }, 400],
    [{ name: "x".repeat(256) }, 400],
    [{ name: 5 }, 400],
    [{ enabled: "yes", name: "x" }, 400],
    [{ name: "x", password: 5 }, 400],
    [{ name: "x", domain_id: "no such domain" }, 400],
    [{ name: "x", domain_id: "nowhere" }, 404],
    [{ name: "x", options: { lock_password: "yes" } }, 400],
    [{ name: "x", big: "y".repeat(20_000) }, 400],
    [{ email: "no name" }, 400],
  ] as const) {
    await t.admin("POST", "users", { user: wrong }, status);
  }
  await t.admin("POST", "users", { name: "unwrapped" }, 400);
  await t.admin("PATCH", `users/${user.id}`, { user: {} }, 400);
  await t.admin("PATCH", `users/${user.id}`, { user: { domain_id: "operators" } }, 400);
  await t.admin("PATCH", "users/none", { user: { enabled: true } }, 404);
  await t.admin("GET", "users/none", undefined, 404);
  await t.admin("DELETE", "users/none", undefined, 404);
});

test("lists filter, and lead on page by page", async () => {
  for (const name of ["page-a", "page-b", "page-C"])
    await t.admin("POST", "users", { user: { name, enabled: name !== "page-b" } }, 201);
  const names = async (query: string): Promise<string[]> => {
    const { users } = (await t.admin("GET", `users?${query}`, undefined, 200)) as { users: { name: string }[] };
    return users.map((user) => user.name).toSorted();
  };
  assert.deepEqual(await names("name=page-a"), ["page-a"]);
  assert.deepEqual(await names("name__contains=age-"), ["page-C", "page-a", "page-b"]);
  assert.deepEqual(await names("name__startswith=page-c"), []);
  assert.deepEqual(await names("name__istartswith=page-c"), ["page-C"]);
  assert.deepEqual(await names("name__contains=%25"), [], "no wildcard comes in");
  assert.deepEqual(await names("name__contains=age-&enabled=False"), ["page-b"]);
  assert.deepEqual(await names("name__contains=age-&domain_id=operators"), []);
  await t.admin("GET", "users?enabled=perhaps", undefined, 400);
  await t.admin("GET", "users?limit=-1", undefined, 400);
  const seen: string[] = [];
  let url: string | null = "users?name__contains=age-&limit=2";
  while (url !== null) {
    const page = (await t.admin("GET", url, undefined, 200)) as {
      users: { name: string }[];
      links: { next: string | null };
    };
    assert.ok(page.users.length <= 2);
    seen.push(...page.users.map((user) => user.name));
    url = page.links.next === null ? null : page.links.next.replace(/^.*\/v3\//, "");
  }
  assert.deepEqual(seen.toSorted(), ["page-C", "page-a", "page-b"]);
});

test("a customer sees itself and nobody else", async () => {
  const [one, two] = [await t.customer("self"), await t.customer("foreign")];
  const token = await one.token();
  const mine = await t.as(token, "GET", `users/${one.userId}`);
  assert.equal((mine.body as { user: { name: string } }).user.name, "self");
  assert.equal((await t.as(token, "GET", `users/${two.userId}`)).status, 403);
  assert.equal((await t.as(token, "GET", "users")).status, 403);
  assert.equal((await t.as(token, "PATCH", `users/${one.userId}`, { user: { enabled: true } })).status, 403);
  const projects = (await t.as(token, "GET", `users/${one.userId}/projects`)).body as { projects: { id: string }[] };
  assert.deepEqual(
    projects.projects.map((project) => project.id),
    [one.projectId],
  );
  assert.equal((await t.as(token, "GET", `users/${two.userId}/projects`)).status, 403);
  assert.equal((await t.as(token, "GET", `projects/${one.projectId}`)).status, 200);
  assert.equal((await t.as(token, "GET", `projects/${two.projectId}`)).status, 404);
  const domain = await t.as(token, "GET", "domains/default");
  assert.equal((domain.body as { domain: { enabled: boolean } }).domain.enabled, true);
  assert.equal((await t.as(token, "GET", "domains/operators")).status, 404);
  assert.equal((await t.as(token, "GET", "domains")).status, 403);
  assert.equal((await t.as(token, "GET", "roles")).status, 403);
});

test("bodies made to break something are refused, never a 500", async () => {
  const send = (payload: string) =>
    t.inject({ method: "POST", url: "/identity/v3/users", token: t.operator.token, payload, plane: "operator" });
  const tower = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  for (const payload of [
    `{"user": {"name": "tower", "extra": ${tower}}}`,
    `{"user": {"name": ${tower}}}`,
    String.raw`{"user": {"name": "surrogate", "extra": "\ud800"}}`,
    String.raw`{"user": {"name": "nul\u0000"}}`,
    `{"user": {"name": "big", "extra": "${"x".repeat(2_000_000)}"}}`,
    '{"user": ',
    "[]",
    "null",
    "",
  ]) {
    const answer = await send(payload);
    assert.ok(answer.status >= 400 && answer.status < 500, `${payload.slice(0, 60)}: ${answer.status} ${answer.text}`);
  }
});
