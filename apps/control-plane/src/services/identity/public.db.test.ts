import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { deletedProjects, forgetDeletedProject, mintToken, projectExists, projectFacts, userFacts } from "./public.ts";
import { type IdentityTest, createIdentityTest } from "./testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

test("others look up projects and users, and find what a deleted project leaves to do", async () => {
  const { db } = t.app;
  const user = await t.customer("pat");
  assert.equal(await projectExists(db, user.projectId), true);
  assert.deepEqual(await projectFacts(db, user.projectId), {
    id: user.projectId,
    name: "pat-project",
    domainId: "default",
    enabled: true,
  });
  assert.deepEqual(await userFacts(db, user.userId), {
    id: user.userId,
    name: "pat",
    domainId: "default",
    enabled: true,
  });
  assert.equal(await projectFacts(db, "none"), null);
  assert.equal(await userFacts(db, "none"), null);
  assert.equal((await deletedProjects(db)).length, 0);
  await t.admin("DELETE", `projects/${user.projectId}`, undefined, 204);
  assert.equal(await projectExists(db, user.projectId), false);
  assert.deepEqual(
    (await deletedProjects(db)).map((one) => one.id),
    [user.projectId],
  );
  await forgetDeletedProject(db, user.projectId);
  await forgetDeletedProject(db, user.projectId);
  assert.equal((await deletedProjects(db)).length, 0);
});

test("a minted token is as good as one that was signed in for", async () => {
  const nowMs = t.app.clock.now();
  const token = mintToken(t.app, {
    methods: ["password"],
    user: { id: "f".repeat(32), name: "héloïse", domain: { id: "default", name: "Default" } },
    directory: "customer",
    scope: { kind: "project", project: { id: "e".repeat(32), name: "π", domain: { id: "default", name: "Default" } } },
    roles: [{ id: "d".repeat(32), name: "member" }],
    auditIds: ["audit"],
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 1000,
    asOf: 1_000_000,
  });
  const actor = t.app.tokens.verify(token, nowMs);
  assert.deepEqual(
    { name: actor?.userName, project: actor?.projectName, roles: [...(actor?.roles ?? [])] },
    { name: "héloïse", project: "π", roles: ["member"] },
  );
  assert.equal(t.app.tokens.verify(token, nowMs + 1000), null);
});
