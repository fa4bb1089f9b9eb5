import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { bootstrapOperator } from "./bootstrap-operator.ts";
import { type IdentityTest, OPERATOR_PASSWORD, createIdentityTest, passwordAuth } from "./testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

const count = async (): Promise<number> => {
  const [row] = await t.app.db<
    { n: number }[]
  >`select (select count(*) from event) + (select count(*) from role_assignment) as n`;
  return row?.n ?? 0;
};

test("run again it changes nothing", async () => {
  const before = await count();
  const again = await bootstrapOperator(t.app, { name: "operator", password: OPERATOR_PASSWORD });
  assert.deepEqual(
    { created: again.created, password: again.password, id: again.user.id },
    { created: false, password: "kept", id: t.operator.id },
  );
  assert.equal(await count(), before);
});

test("a lost password or role is repaired, and the old tokens end", async () => {
  await t.app.db`delete from role_assignment where user_id = ${t.operator.id}`;
  await t.app.db`update user_account set enabled = false where id = ${t.operator.id}`;
  const repaired = await bootstrapOperator(t.app, { name: "operator", password: "another password" });
  assert.equal(repaired.password, "set");
  await t.app.tokens.refresh();
  assert.equal((await t.as(t.operator.token, "GET", "users", undefined, "operator")).status, 401);
  for (const scope of [{ project: { id: t.operator.projectId } }, { system: { all: true } }]) {
    const answer = await t.signIn(passwordAuth({ id: t.operator.id }, "another password", scope), "operator");
    assert.equal(answer.status, 201, answer.text);
  }
});
