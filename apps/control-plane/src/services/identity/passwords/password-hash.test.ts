import assert from "node:assert/strict";
import { test } from "node:test";

import { hashPassword, verifyPassword } from "./password-hash.ts";

test("a password verifies against its own hash only", async () => {
  const [one, two] = await Promise.all([hashPassword("pässword"), hashPassword("pässword")]);
  assert.match(one, /^\$argon2id\$v=19\$m=12288,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two, "each hash has a salt of its own");
  assert.equal(await verifyPassword("pässword", one), true);
  assert.equal(await verifyPassword("password", one), false);
  assert.equal(await verifyPassword("", one), false);
});

test("no account: the work is done and the answer is no", async () => {
  assert.equal(await verifyPassword("anything", null), false);
});

test("reads the parameters from the string, so that they can be raised later", async () => {
  // made with the argon2 reference program: argon2 somesalt -id -t 2 -k 256 -p 1 -l 32 <<< password
  const phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  assert.equal(await verifyPassword("password", phc), true);
  await assert.rejects(verifyPassword("password", "$2b$12$abc"), /not in the form/);
});

test("more at once than there are cores are done in turn", async () => {
  const hashes = await Promise.all(Array.from({ length: 6 }, () => hashPassword("x")));
  assert.equal(new Set(hashes).size, 6);
});
