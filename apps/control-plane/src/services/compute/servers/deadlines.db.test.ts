/** Nothing waits for ever: what a host does not do in time, and hosts that stay away. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { markHostLost } from "../hosts/receive-report.ts";
import { type ComputeLab, createComputeLab } from "../testing/compute-lab.ts";
import { BUILD_DEADLINE_MS, LOCAL_DELETE_MS, TASK_DEADLINE_MS } from "./server.plan.ts";

let lab: ComputeLab;
before(async () => {
  lab = await createComputeLab({ time: "manual" });
});
after(() => lab.close());
afterEach(() => {
  lab.agent.held = false;
  lab.agent.away = false;
});

const until = (id: string, status: string) =>
  waitUntil(`${status} of ${id}`, async () => (await lab.status(id)) === status, { timeoutMs: 30_000, everyMs: 5 });
/** Time passes, and the queue is looked at again. */
const later = async (id: string, ms: number): Promise<void> => {
  lab.clock.advance(ms);
  await lab.app.db`update reconcile_queue set run_at = now() where key = ${`server/${id}`}`;
  lab.app.reconcile.wake();
};
const reached = (call: string) =>
  waitUntil(call, () => lab.agent.calls.includes(call), { timeoutMs: 30_000, everyMs: 5 });

test("a build that does not end is an ERROR with a reason", async () => {
  lab.agent.held = true;
  const id = await lab.boot();
  await reached(`put ${id} 1 running`);
  await later(id, BUILD_DEADLINE_MS + 1);
  await until(id, "ERROR");
  const { body } = await lab.call("GET", `/servers/${id}`);
  assert.match(body.server.fault.message, /not running within the time allowed/);
  const actions = await lab.call("GET", `/servers/${id}/os-instance-actions`);
  assert.equal(actions.body.instanceActions[0].message, "Error");
});

test("a stop that does not end is an ERROR, and a hard reboot is the way out", async () => {
  const id = await lab.boot();
  await until(id, "ACTIVE");
  lab.agent.held = true;
  await lab.call("POST", `/servers/${id}/action`, { "os-stop": null });
  await reached(`put ${id} 2 stopped`);
  await later(id, TASK_DEADLINE_MS + 1);
  await until(id, "ERROR");
  await lab.agent.release();
  assert.equal((await lab.call("POST", `/servers/${id}/action`, { reboot: { type: "HARD" } })).status, 202);
  await until(id, "ACTIVE");
});

test("a server whose host stays away is deleted without it; the guest goes when the host is back", async () => {
  const id = await lab.boot();
  await until(id, "ACTIVE");
  await lab.drain();
  lab.agent.away = true;
  await markHostLost(lab.app, "host1");
  assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
  assert.notEqual(await lab.status(id), "404");
  await later(id, LOCAL_DELETE_MS + 1);
  await until(id, "404");
  lab.agent.away = false;
  await lab.agent.fullReport();
  assert.ok(lab.agent.calls.includes(`delete ${id}`));
});

test("a host that is away for a moment is waited for; one that stays away has no room", async () => {
  await lab.drain();
  lab.agent.away = true;
  await markHostLost(lab.app, "host1");
  const patient = await lab.boot();
  await waitUntil(
    "a first look for room",
    async () =>
      (await lab.app.db`select 1 from reconcile_queue where key = ${`server/${patient}`} and run_at > now()`).length >
      0,
    { timeoutMs: 30_000, everyMs: 5 },
  );
  assert.equal(await lab.status(patient), "BUILD");
  lab.agent.away = false;
  await lab.agent.fullReport();
  await later(patient, 1_000);
  await until(patient, "ACTIVE");
  lab.agent.away = true;
  await markHostLost(lab.app, "host1");
  const late = await lab.boot();
  await later(late, LOCAL_DELETE_MS + 1);
  await until(late, "ERROR");
  const { body } = await lab.call("GET", `/servers/${late}`);
  assert.match(body.server.fault.message, /No valid host was found/);
  lab.agent.away = false;
  await lab.agent.fullReport();
});

test("a token for a console runs out", async () => {
  const id = await lab.boot();
  await until(id, "ACTIVE");
  await lab.call("POST", `/servers/${id}/remote-consoles`, { remote_console: { protocol: "serial", type: "serial" } });
  lab.clock.advance(10 * 60_000 + 1);
  await lab.call("POST", `/servers/${id}/remote-consoles`, { remote_console: { protocol: "serial", type: "serial" } });
  const rows = await lab.app.db`select 1 from console_token where server_id = ${id}`;
  assert.equal(rows.length, 1);
});
