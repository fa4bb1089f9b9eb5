/** What a purge promises, on the whole registry: nothing of the project is left, the record says what there was. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { reconcilers, resourceClasses, services } from "../../../services.ts";
import { type Samples, makeSamples } from "../../../testing/samples.ts";
import { type TestApp, createTestApp } from "../../../testing/test-app.ts";

const PURGES = "/operator/v1/project-purges";

describe("purges of projects", () => {
  let test: TestApp;
  let samples: Samples;

  before(async () => {
    test = await createTestApp({ services, reconcilers });
    samples = await makeSamples(test);
  });
  after(() => test.close());

  const purge = (projectId: string, token = test.adminToken) =>
    test.inject({ method: "POST", url: PURGES, token, body: { project_purge: { project_id: projectId } } });
  const show = async (projectId: string) =>
    (await test.inject({ method: "GET", url: `${PURGES}/${projectId}`, token: test.adminToken })).body as {
      project_purge: { status: string; found: { [name: string]: number }; remaining: object; reason: string | null };
    };
  const purged = async (projectId: string) =>
    waitUntil(
      "the purge's end",
      async () => {
        const { project_purge: found } = await show(projectId);
        return found.status === "purged" ? found : undefined;
      },
      { timeoutMs: 60_000 },
    );
  const project = async (body: object): Promise<string> => {
    const answer = await test.inject({
      method: "POST",
      url: "/identity/v3/projects",
      token: test.adminToken,
      body: { project: body },
    });
    assert.equal(answer.status, 201, answer.text);
    return (answer.body as { project: { id: string } }).project.id;
  };
  const network = async (projectId: string): Promise<void> => {
    const token = test.tokenFor({ projectId, roles: ["member"] });
    const answer = await test.inject({ method: "POST", url: "/network/v2.0/networks", token, body: { network: {} } });
    assert.equal(answer.status, 201, answer.text);
  };

  it("are refused for what there is not, and for a project with others below it", async () => {
    assert.equal((await purge("nobody")).status, 404);
    const above = await project({ name: "above" });
    await project({ name: "below", parent_id: above });
    const refused = await purge(above);
    assert.equal(refused.status, 409);
    assert.match(refused.text, /below it/);
    const { body } = await test.inject({
      method: "GET",
      url: `/identity/v3/projects/${above}`,
      token: test.adminToken,
    });
    assert.equal((body as { project: { enabled: boolean } }).project.enabled, true, "a refusal changes nothing");
  });

  it("are the operator's: a customer's manager may not", async () => {
    assert.equal((await purge(samples.projectId, test.tokenFor({ roles: ["manager"] }))).status, 403);
  });

  it("remove all that a project owns, whatever hangs on whatever, and keep the count", async () => {
    const { projectId } = samples;
    assert.equal((await purge(projectId)).status, 202);
    assert.equal((await purge(projectId)).status, 202, "asked twice is once");
    const { found, remaining } = await purged(projectId);
    assert.deepEqual(remaining, {});
    assert.ok((found["compute.server"] ?? 0) >= 1 && (found["network.port"] ?? 0) >= 1, JSON.stringify(found));
    for (const entry of resourceClasses.filter(({ ownerColumn }) => ownerColumn !== null))
      assert.deepEqual(await entry.list(test.app, projectId), [], entry.name);
    const events = await test.app.db<{ n: number }[]>`
      select count(*)::int as n from event where action = 'operator.project_purge.finish'`;
    assert.equal(events[0]?.n, 1);
  });

  it("end a project's use at once", async () => {
    const id = await project({ name: "closed" });
    await network(id);
    await purge(id);
    await purged(id);
    const answer = await test.inject({ method: "GET", url: `/identity/v3/projects/${id}`, token: test.adminToken });
    assert.equal(answer.status, 404);
  });

  it("come by themselves for a deleted project once its grace is over, and not before", async () => {
    const id = await project({ name: "deleted" });
    await network(id);
    await test.inject({ method: "DELETE", url: `/identity/v3/projects/${id}`, token: test.adminToken });
    const [reconciler] = reconcilers.filter(({ kind }) => kind === "project-purge");
    assert.ok(reconciler?.resync !== undefined);
    assert.deepEqual(await reconciler.resync.ids(test.app), []);
    await test.app.db`update deleted_project set deleted_at = deleted_at - interval '31 days' where id = ${id}`;
    assert.deepEqual(await reconciler.resync.ids(test.app), [id]);
    await waitUntil("the purge's end", async () => "done" in (await reconciler.reconcile(test.app, id)), {
      timeoutMs: 30_000,
    });
    assert.equal((await show(id)).project_purge.status, "purged");
    const left = await test.app.db`select from deleted_project where id = ${id}`;
    assert.equal(left.length, 0);
  });
});
