import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { passcodeAt } from "../passwords/totp.ts";
import { type IdentityTest, createIdentityTest, passwordAuth, tokenAuth } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest({ passwordExpiresDays: 30 });
});
after(() => t.close());

type Pair = { access: string; secret: string; tenant_id: string; user_id: string };
type Credential = { id: string; blob: string; type: string; project_id: string | null };
type TokenBody = {
  token: { user: { id: string }; project: { id: string }; roles: { name: string }[]; methods: string[] };
};

const SEED = Buffer.from("12345678901234567890");
const SEED_TEXT = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const tokenOf = (answer: { headers: { [name: string]: unknown } }): string => String(answer.headers["x-subject-token"]);
const code = (): string => passcodeAt(SEED, Math.floor(t.app.clock.now() / 30_000));
const totp = (userId: string, passcode: string) => ({ user: { id: userId, passcode } });

async function makePair(token: string, userId: string, projectId: string): Promise<Pair> {
  const answer = await t.as(token, "POST", `users/${userId}/credentials/OS-EC2`, { tenant_id: projectId });
  assert.equal(answer.status, 201, answer.text);
  return (answer.body as { credential: Pair }).credential;
}

function s3Body(pair: Pair, secret = pair.secret) {
  const text = "GET\n\n\n\n/bucket/key";
  const signature = createHmac("sha1", secret).update(text).digest("base64");
  return { credentials: { access: pair.access, token: Buffer.from(text).toString("base64url"), signature } };
}
const s3 = (body: unknown) => t.as(t.operator.token, "POST", "s3tokens", body, "operator");

test("key pairs: made, listed, shown and deleted by their user, and found among the credentials", async () => {
  const one = await t.customer("pairs");
  const token = await one.token();
  const pair = await makePair(token, one.userId, one.projectId);
  const path = `users/${one.userId}/credentials/OS-EC2`;
  const listed = (await t.as(token, "GET", path)).body as { credentials: Pair[] };
  assert.deepEqual(listed.credentials, [pair]);
  assert.deepEqual((await t.as(token, "GET", `${path}/${pair.access}`)).body, { credential: pair });
  const all = (await t.as(token, "GET", "credentials?type=ec2")).body as { credentials: Credential[] };
  assert.equal(all.credentials.length, 1);
  assert.equal((JSON.parse(all.credentials[0]?.blob ?? "") as Pair).secret, pair.secret);
  const [row] = await t.app.db<{ text: string }[]>`select encode(wrapped_blob, 'escape') as text from credential`;
  assert.ok(!(row?.text ?? pair.secret).includes(pair.secret), "wrapped at rest");
  const stranger = await (await t.customer("not pairs")).token();
  assert.equal((await t.as(stranger, "GET", path)).status, 403);
  assert.equal((await t.as(stranger, "GET", `${path}/${pair.access}`)).status, 404);
  assert.equal((await t.as(stranger, "DELETE", `${path}/${pair.access}`)).status, 404);
  assert.equal((await t.as(stranger, "POST", path, { tenant_id: one.projectId })).status, 403);
  assert.equal((await t.as(token, "POST", path, { tenant_id: "none" })).status, 404);
  assert.equal((await t.as(token, "DELETE", `${path}/${pair.access}`)).status, 204);
  assert.equal((await t.as(token, "GET", `${path}/${pair.access}`)).status, 404);
});

test("credentials of any type are kept, changed and deleted", async () => {
  const one = await t.customer("keeper");
  const token = await one.token();
  const make = (credential: object) =>
    t.as(token, "POST", "credentials", { credential: { user_id: one.userId, ...credential } });
  const made = await make({ type: "cert", blob: "-----BEGIN" });
  assert.equal(made.status, 201, made.text);
  const { id } = (made.body as { credential: Credential }).credential;
  const changed = await t.as(token, "PATCH", `credentials/${id}`, { credential: { blob: "other" } });
  assert.equal((changed.body as { credential: Credential }).credential.blob, "other");
  assert.equal((await t.as(token, "PATCH", `credentials/${id}`, { credential: { type: "ec2" } })).status, 400);
  assert.equal(
    (await t.as(token, "PATCH", `credentials/${id}`, { credential: { user_id: t.operator.id } })).status,
    403,
  );
  const other = await (await t.customer("not keeper")).token();
  for (const method of ["GET", "DELETE"]) assert.equal((await t.as(other, method, `credentials/${id}`)).status, 404);
  assert.deepEqual((await t.as(other, "GET", `credentials?user_id=${one.userId}`)).body, {
    credentials: [],
    links: { self: `https://customer.test/identity/v3/credentials?user_id=${one.userId}`, previous: null, next: null },
  });
  for (const [wrong, status] of [
    [{ type: "ec2", blob: "{}", project_id: one.projectId }, 400],
    [{ type: "ec2", blob: "not json", project_id: one.projectId }, 400],
    [{ type: "ec2", blob: '{"access":"a","secret":"b"}' }, 400],
    [{ type: "cert", blob: "x", project_id: "none" }, 404],
    [{ type: "cert", blob: "x", user_id: t.operator.id }, 403],
    [{ type: "cert" }, 400],
  ] as const)
    assert.equal((await make(wrong)).status, status, JSON.stringify(wrong));
  const named = { type: "ec2", blob: '{"access":"my-access","secret":"b"}', project_id: one.projectId };
  assert.equal((await make(named)).status, 201);
  assert.equal((await make(named)).status, 409);
  assert.equal((await t.as(token, "DELETE", `credentials/${id}`)).status, 204);
  assert.equal((await t.as(token, "GET", `credentials/${id}`)).status, 404);
});

test("a signature says whose it is, to operators", async () => {
  const one = await t.customer("signer", ["member"]);
  const pair = await makePair(await one.token(), one.userId, one.projectId);
  const answer = await s3(s3Body(pair));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["x-subject-token"], undefined);
  const { token } = answer.body as TokenBody;
  assert.deepEqual([token.user.id, token.project.id, token.methods], [one.userId, one.projectId, ["ec2credential"]]);
  assert.equal((await s3(s3Body(pair, "wrong"))).status, 401);
  assert.equal((await s3({ credentials: { access: "none", signature: "x", token: "eA" } })).status, 404);
  assert.equal((await t.as(await one.token(), "POST", "s3tokens", s3Body(pair))).status, 403);
  const params = { SignatureVersion: "2", Timestamp: new Date(t.app.clock.now()).toISOString() };
  const text = `GET\nec2.test\n/\nSignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=${encodeURIComponent(params.Timestamp)}`;
  const signature = createHmac("sha256", pair.secret).update(text).digest("base64");
  const signed = { access: pair.access, host: "ec2.test", verb: "GET", path: "/", params, signature };
  const ec2 = () => t.as(t.operator.token, "POST", "ec2tokens", { credentials: signed }, "operator");
  const first = await ec2();
  assert.equal(first.status, 200, first.text);
  assert.equal((await t.as(tokenOf(first), "GET", "auth/projects")).status, 200);
  t.clock.advance(901_000);
  assert.equal((await ec2()).status, 401, "signed too long ago");
  await t.admin("PATCH", `users/${one.userId}`, { user: { enabled: false } }, 200);
  assert.equal((await s3(s3Body(pair))).status, 401);
});

test("the object store gets a day's signing key and a token that ends with the pair, and never the secret", async () => {
  const one = await t.customer("stores", ["member"]);
  const token = await one.token();
  const pair = await makePair(token, one.userId, one.projectId);
  const scope = { date: "20130524", region: "us-east-1", service: "s3" };
  const open = (body: object, by = t.operator.token, plane: "operator" | "customer" = "operator") =>
    t.as(by, "POST", "object-store/access-keys", body, plane);
  const answer = await open({ access: pair.access, ...scope });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!answer.text.includes(pair.secret));
  const opened = answer.body as { token: string; signing_key: string };
  const text = ["AWS4-HMAC-SHA256", "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", "0".repeat(64)].join(
    "\n",
  );
  const signature = createHmac("sha256", Buffer.from(opened.signing_key, "base64")).update(text).digest("hex");
  const credentials = { access: pair.access, token: Buffer.from(text).toString("base64url"), signature };
  assert.equal((await s3({ credentials })).status, 200, "as the secret's owner would sign");
  assert.equal((await t.as(opened.token, "GET", "auth/projects")).status, 200);
  const path = `users/${one.userId}/credentials/OS-EC2/${pair.access}`;
  assert.equal((await t.as(token, "DELETE", path)).status, 204);
  assert.equal((await t.as(opened.token, "GET", "auth/projects")).status, 401, "the pair is gone, and so is the token");
  assert.equal((await open({ access: pair.access, ...scope })).status, 404);
  assert.equal((await open({ access: pair.access, ...scope, date: "yesterday" })).status, 400);
  assert.equal((await open({ access: pair.access, ...scope }, token, "customer")).status, 403);
});

test("a key pair carries what it was made with", async () => {
  const one = await t.customer("carrier", ["manager"]);
  const own = await one.token();
  const made = await t.as(own, "POST", `users/${one.userId}/application_credentials`, {
    application_credential: { name: "narrow", roles: [{ name: "reader" }], unrestricted: true },
  });
  const { id, secret } = (made.body as { application_credential: { id: string; secret: string } })
    .application_credential;
  const lent = tokenOf(
    await t.signIn({
      auth: { identity: { methods: ["application_credential"], application_credential: { id, secret } } },
    }),
  );
  const pair = await makePair(lent, one.userId, one.projectId);
  const rolesOf = async (): Promise<string[]> =>
    ((await s3(s3Body(pair))).body as TokenBody).token.roles.map((role) => role.name);
  assert.deepEqual(await rolesOf(), ["reader"]);
  const wide = await makePair(own, one.userId, one.projectId);
  assert.equal((await t.as(lent, "GET", `users/${one.userId}/credentials/OS-EC2/${wide.access}`)).status, 200);
  const personal = { credential: { type: "totp", blob: SEED_TEXT, user_id: one.userId } };
  const kept = (await t.as(own, "POST", "credentials", personal)).body as { credential: Credential };
  assert.equal(
    (await t.as(lent, "GET", `credentials/${kept.credential.id}`)).status,
    403,
    "a second factor is out of reach",
  );
  assert.equal((await t.as(lent, "POST", "credentials", personal)).status, 403);
  assert.equal((await t.as(own, "DELETE", `users/${one.userId}/application_credentials/${id}`)).status, 204);
  assert.equal((await s3(s3Body(pair))).status, 404, "it went with the application credential");
});

test("a second factor: the first alone gets a receipt, both get a token, a code is good once", async () => {
  const one = await t.customer("factors");
  const enrolled = { credential: { type: "totp", blob: SEED_TEXT, user_id: one.userId } };
  await t.admin("POST", "credentials", enrolled, 201);
  const rules = { multi_factor_auth_enabled: true, multi_factor_auth_rules: [["password", "totp"]] };
  await t.admin("PATCH", `users/${one.userId}`, { user: { options: rules } }, 200);
  const first = await t.signIn(passwordAuth({ id: one.userId }, "factors"));
  assert.equal(first.status, 401);
  const receipt = String(first.headers["openstack-auth-receipt"]);
  assert.deepEqual((first.body as { required_auth_methods: unknown }).required_auth_methods, [["password", "totp"]]);
  assert.deepEqual((first.body as { receipt: { methods: string[] } }).receipt.methods, ["password"]);
  assert.equal(first.headers["x-subject-token"], undefined);

  const finish = (passcode: string, headers: { [name: string]: string } = { "openstack-auth-receipt": receipt }) => {
    t.clock.advance(1);
    const body = {
      auth: {
        identity: { methods: ["totp"], totp: totp(one.userId, passcode) },
        scope: { project: { id: one.projectId } },
      },
    };
    return t.inject({ method: "POST", url: "/identity/v3/auth/tokens", body, headers });
  };
  assert.equal((await finish("000000")).status, 401);
  assert.equal((await finish(code(), { "openstack-auth-receipt": `${receipt}x` })).status, 401);
  t.clock.advance(30_000);
  const alone = await finish(code(), {});
  assert.equal(alone.status, 401, "the code alone is not enough either");
  assert.ok(alone.headers["openstack-auth-receipt"] !== undefined);
  assert.equal((await finish(code())).status, 401, "that code was used");
  t.clock.advance(30_000);
  const both = await finish(code());
  assert.equal(both.status, 201, both.text);
  assert.deepEqual((both.body as TokenBody).token.methods.toSorted(), ["password", "totp"]);
  assert.equal((await t.signIn(tokenAuth(tokenOf(both)))).status, 201, "what was proven is not asked again");

  t.clock.advance(30_000);
  const together = {
    auth: {
      identity: {
        methods: ["password", "totp"],
        password: { user: { id: one.userId, password: "factors" } },
        totp: totp(one.userId, code()),
      },
    },
  };
  assert.equal((await t.signIn(together)).status, 201);
  t.clock.advance(300_000);
  assert.equal((await finish(code())).status, 401, "a receipt lasts five minutes");
});

test("a receipt ends with the password it was had for, and guesses lock the account", async () => {
  const one = await t.customer("guessed");
  await t.admin("POST", "credentials", { credential: { type: "totp", blob: SEED_TEXT, user_id: one.userId } }, 201);
  const rules = { multi_factor_auth_rules: [["password", "totp"]] };
  await t.admin("PATCH", `users/${one.userId}`, { user: { options: rules } }, 200);
  const first = await t.signIn(passwordAuth({ id: one.userId }, "guessed"));
  const headers = { "openstack-auth-receipt": String(first.headers["openstack-auth-receipt"]) };
  const body = () => ({ auth: { identity: { methods: ["totp"], totp: totp(one.userId, code()) } } });
  await t.admin("PATCH", `users/${one.userId}`, { user: { password: "new" } }, 200);
  t.clock.advance(30_000);
  assert.equal(
    (await t.inject({ method: "POST", url: "/identity/v3/auth/tokens", body: body(), headers })).status,
    401,
  );
  for (let guess = 0; guess < 6; guess += 1)
    await t.signIn({ auth: { identity: { methods: ["totp"], totp: totp(one.userId, "000000") } } });
  t.clock.advance(30_000);
  assert.equal((await t.signIn(passwordAuth({ id: one.userId }, "new"))).headers["openstack-auth-receipt"], undefined);
});

test("passwords end by age, but for whom they do not, and can then still be changed", async () => {
  const [one, exempt, locked] = [await t.customer("aged"), await t.customer("ageless"), await t.customer("fixed")];
  await t.admin("PATCH", `users/${exempt.userId}`, { user: { options: { ignore_password_expiry: true } } }, 200);
  await t.admin("PATCH", `users/${locked.userId}`, { user: { options: { lock_password: true } } }, 200);
  const self = { user: { password: "other", original_password: "fixed" } };
  assert.equal(
    (await t.inject({ method: "POST", url: `/identity/v3/users/${locked.userId}/password`, body: self })).status,
    400,
  );
  const before = await t.signIn(passwordAuth({ id: one.userId }, "aged"));
  const end = (before.body as { token: { user: { password_expires_at: string } } }).token.user.password_expires_at;
  assert.ok(Date.parse(`${end}Z`) > t.app.clock.now() + 29 * 86_400_000);
  t.clock.advance(31 * 86_400_000);
  const after = await t.signIn(passwordAuth({ id: one.userId }, "aged"));
  assert.equal(after.status, 401);
  assert.match(after.text, /password is expired/);
  assert.equal((await t.signIn(passwordAuth({ id: exempt.userId }, "ageless"))).status, 201);
  const change = { user: { password: "young", original_password: "aged" } };
  assert.equal(
    (await t.inject({ method: "POST", url: `/identity/v3/users/${one.userId}/password`, body: change })).status,
    204,
  );
  assert.equal((await t.signIn(passwordAuth({ id: one.userId }, "young"))).status, 201);
});
