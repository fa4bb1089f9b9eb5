import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { checkPattern, withPatterns } from "@andromede/platform/db/patterns";

import { type TestApp, createTestApp } from "../testing/test-app.ts";

let app: TestApp;
before(async () => {
  app = await createTestApp();
});
after(() => app.close());

test("patterns that cost more than they look are refused before PostgreSQL sees them", () => {
  for (const text of ["a".repeat(256), "(.*)\\1", "(x{200}){200}", "((x{1,30}){1,30}){2,}", "(x{99999999})"]) {
    assert.throws(() => checkPattern(text, "name"), { kind: "invalid" }, text);
  }
  for (const text of ["", "^web-[0-9]{1,3}$", "(a|b)+", "^10\\.0\\.", "a{2}{3}"])
    assert.equal(checkPattern(text, "name"), text);
});

test("what is no regular expression is the client's mistake", async () => {
  const ask = (pattern: string) =>
    withPatterns(app.app.db, [pattern], async (sql) => (await sql`select 'web-1' ~ ${pattern} as yes`)[0]?.["yes"]);
  assert.equal(await ask("^web"), true);
  assert.equal(await ask("^(web|db)-[0-9]$"), true);
  for (const pattern of ["[", "(", "*", "a\\"]) await assert.rejects(ask(pattern), { kind: "invalid" }, pattern);
});

test("a search that takes too long ends, and the connections stay usable", async () => {
  const pattern = checkPattern("(((a?){9}){9}){9}b", "name");
  const text = "a".repeat(255);
  const started = performance.now();
  await assert.rejects(
    withPatterns(app.app.db, [pattern], (sql) => sql`select ${text} ~ ${pattern} as yes`),
    { kind: "invalid", message: /takes too long/ },
  );
  assert.ok(performance.now() - started < 10_000);
  const [row] = await app.app.db`show statement_timeout`;
  assert.notEqual(row?.["statementTimeout"], "1s");
});

test("those that may take long take turns, and too many are told to come back", async () => {
  const ask = () => withPatterns(app.app.db, ["a{2}"], (sql) => sql`select pg_sleep(0.01)`);
  const answers = await Promise.allSettled(Array.from({ length: 60 }, ask));
  const refused = answers.filter((answer) => answer.status === "rejected");
  assert.ok(refused.length > 0 && refused.length < 60, String(refused.length));
  for (const { reason } of refused) assert.equal((reason as { kind: string }).kind, "unavailable");
  await ask();
});
