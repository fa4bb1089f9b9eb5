import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type IdentityTest, createIdentityTest, passwordAuth, tokenAuth } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

type Somebody = Awaited<ReturnType<IdentityTest["customer"]>>;
type Trust = { id: string; roles: { name: string }[]; redelegation_count: number; expires_at: string | null };
type Token = { user: { id: string }; project?: { id: string }; roles?: { name: string }[]; "OS-TRUST:trust"?: object };

const works = async (token: string): Promise<boolean> => (await t.as(token, "GET", "auth/projects")).status === 200;

async function lend(owner: Somebody, to: string, more: object = {}, token?: string): Promise<Trust> {
  const answer = await t.as(token ?? (await owner.token()), "POST", "OS-TRUST/trusts", {
    trust: {
      trustor_user_id: owner.userId,
      trustee_user_id: to,
      project_id: owner.projectId,
      impersonation: false,
      roles: [{ name: "reader" }],
      ...more,
    },
  });
  assert.equal(answer.status, 201, answer.text);
  return (answer.body as { trust: Trust }).trust;
}

const take = (who: Somebody, name: string, trustId: string) =>
  t.signIn(passwordAuth({ id: who.userId }, name, { "OS-TRUST:trust": { id: trustId } }));
const tokenOf = (answer: { headers: { [name: string]: unknown } }): string => String(answer.headers["x-subject-token"]);
const bodyOf = (answer: { body: unknown }): Token => (answer.body as { token: Token }).token;

test("a trustee gets the roles that were lent, as themselves or as the trustor, and no others", async () => {
  const owner = await t.customer("lender", ["member"]);
  const friend = await t.customer("borrower", ["reader"]);
  const plain = await take(friend, "borrower", (await lend(owner, friend.userId)).id);
  assert.equal(plain.status, 201, plain.text);
  assert.equal(bodyOf(plain).user.id, friend.userId);
  assert.equal(bodyOf(plain).project?.id, owner.projectId);
  assert.deepEqual(
    bodyOf(plain).roles?.map((role) => role.name),
    ["reader"],
  );
  const trust = await lend(owner, friend.userId, { impersonation: true, roles: [{ name: "member" }] });
  const acting = await take(friend, "borrower", trust.id);
  assert.equal(bodyOf(acting).user.id, owner.userId);
  assert.deepEqual(
    bodyOf(acting)
      .roles?.map((role) => role.name)
      .toSorted(),
    ["member", "reader"],
  );
  assert.deepEqual(bodyOf(acting)["OS-TRUST:trust"], {
    id: trust.id,
    impersonation: true,
    trustor_user: { id: owner.userId },
    trustee_user: { id: friend.userId },
  });
  const shown = await t.inject({
    method: "GET",
    url: "/identity/v3/auth/tokens",
    token: tokenOf(acting),
    headers: { "x-subject-token": tokenOf(acting) },
  });
  assert.deepEqual(shown.body, acting.body);
  assert.equal((await take(owner, "lender", trust.id)).status, 403, "only the trustee");
  assert.equal((await take(friend, "borrower", "none")).status, 401);
  assert.equal((await t.signIn(tokenAuth(tokenOf(acting)))).status, 403, "a lent token makes no other");
});

test("what is lent ends with the trust, the role, the password or the account", async () => {
  const owner = await t.customer("ender", ["member"]);
  const friend = await t.customer("endee");
  const trust = await lend(owner, friend.userId, { impersonation: true });
  const path = `OS-TRUST/trusts/${trust.id}`;
  const first = tokenOf(await take(friend, "endee", trust.id));
  assert.equal(await works(first), true);
  assert.equal((await t.as(await friend.token(), "DELETE", path)).status, 403, "the trustee does not end it");
  assert.equal((await t.as(await owner.token(), "DELETE", path)).status, 204);
  assert.equal(await works(first), false);
  assert.equal((await t.as(await owner.token(), "GET", path)).status, 404);

  const second = await lend(owner, friend.userId);
  const token = tokenOf(await take(friend, "endee", second.id));
  const grant = `projects/${owner.projectId}/users/${owner.userId}/roles/${await t.roleId("member")}`;
  await t.admin("DELETE", grant, undefined, 204);
  assert.equal(await works(token), false, "the lender has it no more");
  assert.equal((await take(friend, "endee", second.id)).status, 403);
  await t.admin("PUT", grant, undefined, 204);
  const again = tokenOf(await take(friend, "endee", second.id));
  await t.admin("PATCH", `users/${owner.userId}`, { user: { enabled: false } }, 200);
  assert.equal(await works(again), false);
  assert.equal((await take(friend, "endee", second.id)).status, 403, "the trustor is disabled");
});

test("uses run out, and time does", async () => {
  const owner = await t.customer("counter", ["member"]);
  const friend = await t.customer("countee");
  const trust = await lend(owner, friend.userId, { remaining_uses: 2 });
  const answers = await Promise.all([1, 2, 3, 4].map(() => take(friend, "countee", trust.id)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 2, "racing sign-ins share two uses");
  assert.equal((await t.as(await owner.token(), "GET", `OS-TRUST/trusts/${trust.id}`)).status, 404);
  const soon = new Date(t.app.clock.now() + 60_000).toISOString();
  const short = await lend(owner, friend.userId, { expires_at: soon });
  assert.equal(short.expires_at, soon.replace("Z", "000Z"));
  const token = tokenOf(await take(friend, "countee", short.id));
  assert.equal(await works(token), true);
  t.clock.advance(61_000);
  assert.equal(await works(token), false);
  assert.equal((await take(friend, "countee", short.id)).status, 401);
  assert.equal((await t.as(await owner.token(), "GET", `OS-TRUST/trusts/${short.id}`)).status, 404);
});

test("what was lent may be lent on as far as its owner said, and ends with its origin", async () => {
  const owner = await t.customer("origin", ["member"]);
  const friend = await t.customer("middle");
  const last = await t.customer("lasting");
  const trust = await lend(owner, friend.userId, { allow_redelegation: true, roles: [{ name: "member" }] });
  assert.equal(trust.redelegation_count, 3);
  const lent = tokenOf(await take(friend, "middle", trust.id));
  const on = (more: object) => ({
    trust: {
      trustor_user_id: friend.userId,
      trustee_user_id: last.userId,
      project_id: owner.projectId,
      impersonation: false,
      allow_redelegation: true,
      roles: [{ name: "member" }],
      ...more,
    },
  });
  for (const wrong of [
    { impersonation: true },
    { redelegation_count: 3 },
    { allow_redelegation: false, remaining_uses: 1 },
  ]) {
    assert.equal((await t.as(lent, "POST", "OS-TRUST/trusts", on(wrong))).status, 403, JSON.stringify(wrong));
  }
  const answer = await t.as(lent, "POST", "OS-TRUST/trusts", on({}));
  assert.equal(answer.status, 201, answer.text);
  const child = (answer.body as { trust: Trust }).trust;
  assert.equal(child.redelegation_count, 2);
  const token = tokenOf(await take(last, "lasting", child.id));
  assert.equal(await works(token), true);
  assert.equal((await t.as(await owner.token(), "DELETE", `OS-TRUST/trusts/${trust.id}`)).status, 204);
  assert.equal(await works(token), false);
  assert.equal((await take(last, "lasting", child.id)).status, 401);
});

test("trusts are seen by those they are between", async () => {
  const owner = await t.customer("seen", ["member"]);
  const friend = await t.customer("seer");
  const stranger = await t.customer("stranger");
  const trust = await lend(owner, friend.userId);
  const path = `OS-TRUST/trusts/${trust.id}`;
  const [mine, theirs, nobodys] = [await owner.token(), await friend.token(), await stranger.token()];
  for (const token of [mine, theirs]) {
    assert.equal((await t.as(token, "GET", path)).status, 200);
    const roles = (await t.as(token, "GET", `${path}/roles`)).body as { roles: { id: string; name: string }[] };
    assert.deepEqual(
      roles.roles.map((role) => role.name),
      ["reader"],
    );
    assert.equal((await t.as(token, "GET", `${path}/roles/${roles.roles[0]?.id ?? ""}`)).status, 200);
    assert.equal((await t.as(token, "HEAD", `${path}/roles/${roles.roles[0]?.id ?? ""}`)).status, 200);
    assert.equal((await t.as(token, "GET", `${path}/roles/none`)).status, 404);
  }
  for (const part of ["", "/roles", "/roles/x"]) assert.equal((await t.as(nobodys, "GET", path + part)).status, 404);
  assert.equal((await t.as(nobodys, "DELETE", path)).status, 404);
  const list = async (token: string, query: string) => await t.as(token, "GET", `OS-TRUST/trusts?${query}`);
  assert.equal((await list(mine, "")).status, 403);
  assert.equal((await list(nobodys, `trustor_user_id=${owner.userId}`)).status, 403);
  for (const [token, query] of [
    [mine, `trustor_user_id=${owner.userId}`],
    [theirs, `trustee_user_id=${friend.userId}`],
  ] as const) {
    const found = (await list(token, query)).body as { trusts: { id: string; roles?: unknown }[] };
    assert.deepEqual(
      found.trusts.map(({ id, roles }) => [id, roles]),
      [[trust.id, undefined]],
    );
  }
  await t.admin("GET", "OS-TRUST/trusts", undefined, 200);
  await t.admin("GET", path, undefined, 200);
});

test("nobody lends what they have not, or to whom they do not know", async () => {
  const owner = await t.customer("poor", ["reader"]);
  const friend = await t.customer("poorer");
  const token = await owner.token();
  const good = {
    trustor_user_id: owner.userId,
    trustee_user_id: friend.userId,
    project_id: owner.projectId,
    impersonation: true,
    roles: [{ name: "reader" }],
  };
  for (const [wrong, status] of [
    [{ roles: [{ name: "member" }] }, 404],
    [{ roles: [{ id: "none" }] }, 404],
    [{ roles: [] }, 403],
    [{ project_id: friend.projectId }, 404],
    [{ project_id: "none" }, 404],
    [{ trustee_user_id: "none" }, 404],
    [{ trustee_user_id: t.operator.id }, 404],
    [{ trustor_user_id: friend.userId }, 403],
    [{ expires_at: "bad.123Z" }, 400],
    [{ expires_at: "2001-01-01T00:00:00.000000Z" }, 400],
    [{ remaining_uses: 0 }, 400],
    [{ remaining_uses: 3, allow_redelegation: true }, 400],
    [{ redelegation_count: 4, allow_redelegation: true }, 403],
    [{ impersonation: "yes" }, 400],
  ] as const) {
    const answer = await t.as(token, "POST", "OS-TRUST/trusts", { trust: { ...good, ...wrong } });
    assert.equal(answer.status, status, `${JSON.stringify(wrong)} ${answer.text}`);
  }
  const own = {
    trust: { ...good, trustor_user_id: t.operator.id, project_id: t.operator.projectId, roles: [{ name: "admin" }] },
  };
  assert.equal(
    (await t.as(t.operator.token, "POST", "OS-TRUST/trusts", own, "operator")).status,
    404,
    "no way between planes",
  );
});
