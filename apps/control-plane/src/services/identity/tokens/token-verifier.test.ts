import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";

import { manualClock } from "@andromede/base/clock";
import { silentLogger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";
import type { KeyTree } from "@andromede/platform/keys/key-tree";
import { startTokenVerifier } from "@andromede/platform/tokens/token-verifier";
import { type TokenContents, revocationOf } from "@andromede/platform/tokens/token.model";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const keys = {
  signer: () => ({
    keyId: "0011223344556677",
    publicKey: Buffer.alloc(0),
    sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
  }),
  verificationKey: (_: string, id: string) => (id === "0011223344556677" ? publicKey : null),
} as unknown as KeyTree;

type Row = { number: number; subject: string; expiresAt: Date };
type FakeDatabase = { rows: Row[]; broken: boolean; notify(): void; db: Database };

/** Answers the one question the verifier asks. */
function fakeDatabase(): FakeDatabase {
  const fake: FakeDatabase = { rows: [], broken: false, notify: () => undefined, db: undefined as never };
  const query = (_: TemplateStringsArray, after: number) =>
    fake.broken
      ? Promise.reject(new Error("connection lost"))
      : Promise.resolve(fake.rows.filter((row) => row.number > after));
  const listen = (_: string, wake: () => void) => {
    fake.notify = wake;
    return Promise.resolve({ unlisten: () => Promise.resolve() });
  };
  fake.db = Object.assign(query, { listen }) as unknown as Database;
  return fake;
}

const domain = { id: "default", name: "Default" };
const contents = (change: Partial<TokenContents> = {}): TokenContents => ({
  methods: ["password", "token"],
  user: { id: "u", name: "Zoë", domain },
  directory: "customer",
  scope: { kind: "project", project: { id: "p", name: "☃", domain } },
  roles: [
    { id: "r1", name: "member" },
    { id: "r2", name: "reader" },
  ],
  auditIds: ["own", "parent"],
  issuedAtMs: 1_000,
  expiresAtMs: 2_000_000,
  asOf: 7,
  ...change,
});

async function start() {
  const fake = fakeDatabase();
  const clock = manualClock(5_000);
  const tokens = await startTokenVerifier({ lifetimeMs: 8 * 3_600_000, db: fake.db, keys, clock, log: silentLogger });
  return { fake, clock, tokens };
}

test("says again exactly what was put in", async () => {
  const { tokens } = await start();
  for (const change of [
    {},
    { scope: { kind: "unscoped" as const }, roles: [] },
    { scope: { kind: "domain" as const, domain } },
    { scope: { kind: "system" as const }, directory: "operator" as const },
    {
      applicationCredential: { id: "c", name: "robot", restricted: true },
      methods: ["application_credential" as const],
    },
  ]) {
    const given = contents(change);
    assert.deepEqual(tokens.read(tokens.issue(given), 5_000)?.contents, given);
  }
  const actor = tokens.verify(tokens.issue(contents()), 5_000);
  assert.deepEqual([actor?.projectId, actor?.domainId, [...(actor?.roles ?? [])]], ["p", null, ["member", "reader"]]);
  await tokens.stop();
});

test("a revocation concerns the tokens made before it, and only those it names", async () => {
  const { fake, tokens } = await start();
  const earlier = tokens.issue(contents({ asOf: 7 }));
  const later = tokens.issue(contents({ asOf: 8, auditIds: ["later"] }));
  const other = tokens.issue(contents({ user: { id: "other", name: "o", domain }, auditIds: ["other"] }));
  assert.notEqual(tokens.verify(earlier, 5_000), null);
  fake.rows.push({ number: 8, subject: revocationOf.userOnProject("u", "p"), expiresAt: new Date(9e12) });
  await tokens.refresh();
  assert.equal(tokens.verify(earlier, 5_000), null);
  assert.notEqual(tokens.verify(later, 5_000), null);
  assert.notEqual(tokens.verify(other, 5_000), null);
  let number = 8;
  for (const subject of [
    revocationOf.token("own"),
    revocationOf.user("u"),
    revocationOf.project("p"),
    revocationOf.domain("default"),
    revocationOf.role("r2"),
    revocationOf.applicationCredential("c"),
  ]) {
    const token = tokens.issue(
      contents({ asOf: number, applicationCredential: { id: "c", name: "n", restricted: true } }),
    );
    assert.notEqual(tokens.verify(token, 5_000), null, subject);
    number += 1;
    fake.rows.push({ number, subject, expiresAt: new Date(9e12) });
    await tokens.refresh();
    assert.equal(tokens.verify(token, 5_000), null, subject);
  }
  await tokens.stop();
});

test("who asks for news while they are being read gets those of a later read", async () => {
  const { fake, tokens } = await start();
  const token = tokens.issue(contents());
  const first = tokens.refresh();
  fake.rows.push({ number: 8, subject: revocationOf.user("u"), expiresAt: new Date(9e12) });
  await Promise.all([first, tokens.refresh()]);
  assert.equal(tokens.verify(token, 5_000), null);
  await tokens.stop();
});

test("without news for five seconds no token is called good", async () => {
  const { fake, clock, tokens } = await start();
  const token = tokens.issue(contents());
  fake.broken = true;
  await assert.rejects(tokens.refresh());
  clock.advance(4_999);
  assert.notEqual(tokens.verify(token, clock.now()), null);
  clock.advance(1);
  assert.throws(() => tokens.verify(token, clock.now()), /cannot be checked for revocation/);
  assert.equal(tokens.verify("nonsense", clock.now()), null, "what is not ours needs no news");
  fake.broken = false;
  await tokens.refresh();
  assert.notEqual(tokens.verify(token, clock.now()), null);
  await tokens.stop();
});

test("every change of a character is noticed", async () => {
  const { tokens } = await start();
  const token = tokens.issue(contents());
  for (let index = 0; index < token.length; index += 7) {
    const changed = `${token.slice(0, index)}${token[index] === "A" ? "B" : "A"}${token.slice(index + 1)}`;
    assert.equal(tokens.verify(changed, 5_000), null, `character ${index}`);
  }
  await tokens.stop();
});
