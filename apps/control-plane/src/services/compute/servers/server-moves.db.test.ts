/** Two hosts: migration and resize between them, evacuation; what is asked of a running guest; soft deletion. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { FakeAgent } from "../testing/fake-agent.ts";
import { type LifeLab, createLifeLab, eventually } from "../testing/life-lab.ts";
import { imageReconcilers } from "../../image/reconcilers.ts";
import { imageService } from "../../image/service.ts";

const image = { service: imageService, reconcilers: imageReconcilers };

describe("moves", () => {
  const second = new FakeAgent({ hostname: "second.example", memoryMib: 4096 });
  let lab: LifeLab;
  before(async () => {
    lab = await createLifeLab(image, { others: { host2: second } });
  });
  after(() => lab.close());

  const operator = () => ({ token: lab.adminToken });
  const hostOf = async (id: string) =>
    (await lab.app.db`select host, other_host from server where id = ${id}`)[0] as {
      host: string;
      otherHost: string | null;
    };

  test("with one host there is nowhere to go", async () => {
    const id = await lab.active();
    for (const action of [{ migrate: null }, { "os-migrateLive": { host: null, block_migration: "auto" } }]) {
      const answer = await lab.act(id, action, operator());
      assert.deepEqual(
        [answer.status, answer.body.badRequest.message],
        [400, "No valid host was found. There are not enough hosts available."],
      );
    }
    assert.equal((await lab.act(id, { migrate: null })).status, 403);
    const used = await lab.act(id, { evacuate: {} }, operator());
    assert.match(used.body.badRequest.message, /Compute service of host1 is still in use/);
  });

  test("a cold migration takes the disk along; confirmed, the first host is free of it", async () => {
    await second.fullReport();
    const id = await lab.active();
    const before = await lab.promised();
    assert.equal((await lab.act(id, { migrate: null }, operator())).status, 202);
    await lab.until(id, "VERIFY_RESIZE");
    assert.deepEqual({ ...(await hostOf(id)) }, { host: "host2", otherHost: "host1" });
    const root = second.specs.get(id)?.disks.find((disk) => disk.id === "root");
    assert.notEqual(root?.source.kind === "image" && root.source.imageId, lab.imageId);
    assert.equal((await lab.act(id, { confirmResize: null })).status, 204);
    await lab.until(id, "ACTIVE");
    assert.ok(lab.agent.calls.includes(`delete ${id}`));
    const after = await lab.promised();
    assert.deepEqual(after.usage, before.usage);
    assert.equal(Number(before.hosts[0]?.["claimedServers"]) - Number(after.hosts[0]?.["claimedServers"]), 1);
    assert.equal(after.hosts[1]?.["claimedServers"], 1);
    const listed = await lab.call("GET", `/os-migrations?instance_uuid=${id}`, undefined, operator());
    assert.equal(listed.status, 200);
    assert.deepEqual(
      listed.body.migrations.map((one: { status: string; migration_type: string; source_compute: string }) => [
        one.status,
        one.migration_type,
        one.source_compute,
      ]),
      [["confirmed", "migration", "host1"]],
    );
    const images = await lab.app.db`select 1 from image where name like '%-moving' and status <> 'deleting'`;
    assert.equal(images.length, 0);
  });

  test("reverted, it is where it was, with the disk it had", async () => {
    const id = await lab.active();
    const { host } = await hostOf(id);
    const before = await lab.promised();
    await lab.act(id, { migrate: null }, operator());
    await lab.until(id, "VERIFY_RESIZE");
    assert.notEqual((await hostOf(id)).host, host);
    assert.equal((await lab.act(id, { revertResize: null })).status, 202);
    await lab.until(id, "ACTIVE");
    assert.deepEqual({ ...(await hostOf(id)) }, { host, otherHost: null });
    const agent = host === "host1" ? lab.agent : second;
    const root = agent.specs.get(id)?.disks.find((disk) => disk.id === "root");
    assert.equal(root?.source.kind === "image" && root.source.imageId, lab.imageId);
    assert.deepEqual(await lab.promised(), before);
  });

  test("deleted between two hosts, it leaves both", async () => {
    await lab.drain();
    const before = await lab.promised();
    const id = await lab.active();
    await lab.act(id, { migrate: null }, operator());
    await lab.until(id, "VERIFY_RESIZE");
    await lab.call("DELETE", `/servers/${id}`);
    await eventually("its end", async () => (await lab.call("GET", `/servers/${id}`)).status === 404);
    assert.deepEqual(await lab.promised(), before);
  });

  test("a lost host's server is made anew elsewhere, and its old guest removed when the host returns", async () => {
    const id = await lab.active();
    const { host } = await hostOf(id);
    const [lost, other] = host === "host1" ? [lab.agent, "host2"] : [second, "host1"];
    lost.away = true;
    await lab.app.db`update compute_host set observed_lost_at = now() where name = ${host}`;
    const answer = await lab.act(id, { evacuate: {} }, operator());
    assert.equal(answer.status, 200);
    await lab.until(id, "ACTIVE");
    assert.equal((await hostOf(id)).host, other);
    lost.away = false;
    await lost.fullReport();
    assert.ok(lost.calls.includes(`delete ${id}`));
    assert.equal(await lab.status(id), "ACTIVE");
  });

  test("an operator ends what does not end: the server is as it was, or in ERROR", async () => {
    const id = await lab.active();
    const { host } = await hostOf(id);
    const agent = host === "host1" ? lab.agent : second;
    for (const [action, state, status] of [
      [{ resize: { flavorRef: "small" } }, "active", "ACTIVE"],
      [{ rebuild: { imageRef: lab.imageId } }, "active", "ACTIVE"],
      [{ rescue: null }, "error", "ERROR"],
    ] as const) {
      const before = await lab.promised();
      agent.held = true;
      const answer = await lab.act(id, action);
      assert.ok(answer.status === 202 || answer.status === 200);
      assert.equal((await lab.act(id, { "os-resetState": { state } }, operator())).status, 202);
      await agent.release();
      await eventually(status, async () => (await lab.show(id)).status === status);
      await lab.drain();
      assert.deepEqual(await lab.promised(), before);
    }
    assert.equal((await lab.act(id, { reboot: { type: "HARD" } })).status, 202);
    await lab.until(id, "ACTIVE");
    assert.equal(
      agent.specs.get(id)?.disks.some((disk) => disk.id === "rescue"),
      false,
    );
  });

  test("what is asked of a running guest", async () => {
    const id = await lab.active();
    assert.equal((await lab.act(id, { changePassword: { adminPass: "neu" } })).status, 202);
    assert.equal((await lab.act(id, { trigger_crash_dump: null })).status, 202);
    const old = await lab.act(id, { trigger_crash_dump: null }, { version: "2.16" });
    assert.equal(old.status, 404);
    const diagnostics = await lab.call("GET", `/servers/${id}/diagnostics`, undefined, operator());
    assert.equal(diagnostics.status, 200);
    assert.equal(diagnostics.body.state, "running");
    const driver = { ...operator(), version: "2.47" };
    assert.ok("memory" in (await lab.call("GET", `/servers/${id}/diagnostics`, undefined, driver)).body);
    assert.equal((await lab.call("GET", `/servers/${id}/diagnostics`)).status, 403);
    assert.deepEqual((await lab.call("GET", `/servers/${id}/os-server-password`)).body, { password: "" });
    assert.equal((await lab.call("DELETE", `/servers/${id}/os-server-password`)).status, 204);
    assert.equal((await lab.act(id, { injectNetworkInfo: null }, operator())).status, 202);
    assert.equal((await lab.act(id, { resetNetwork: null }, operator())).status, 410);
    assert.equal((await lab.act(id, { restore: null })).status, 409);
    assert.deepEqual((await lab.call("GET", `/servers/${id}/migrations`, undefined, operator())).body, {
      migrations: [],
    });
    assert.equal((await lab.call("GET", `/servers/${id}/migrations/1`, undefined, operator())).status, 404);
    await lab.act(id, { "os-stop": null });
    await lab.until(id, "SHUTOFF");
    assert.equal((await lab.call("GET", `/servers/${id}/diagnostics`, undefined, operator())).status, 409);
    assert.equal((await lab.act(id, { changePassword: { adminPass: "neu" } })).status, 409);
  });
});

describe("soft deletion", () => {
  let lab: LifeLab;
  before(async () => {
    lab = await createLifeLab(image, {
      time: "manual",
      config: { compute: { reclaimSeconds: 60, resizeConfirmSeconds: 60, shelvedOffloadSeconds: 60 } },
    });
  });
  after(() => lab.close());

  /** It is looked at now, whenever that was to be. */
  const wake = async (id: string): Promise<void> => {
    await lab.app.db`update reconcile_queue set run_at = now() where key = ${`server/${id}`}`;
    lab.app.reconcile.wake();
  };

  test("keeps a server for a while, out of sight, and it can be restored", async () => {
    const id = await lab.active();
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    await lab.until(id, "SOFT_DELETED");
    assert.deepEqual((await lab.call("GET", "/servers")).body.servers, []);
    assert.equal((await lab.call("GET", "/servers?status=SOFT_DELETED")).body.servers.length, 1);
    assert.equal((await lab.act(id, { restore: null })).status, 202);
    await lab.until(id, "ACTIVE");
    await lab.call("DELETE", `/servers/${id}`);
    await lab.until(id, "SOFT_DELETED");
    lab.clock.advance(61_000);
    await eventually("its end", async () => {
      await wake(id);
      return (await lab.call("GET", `/servers/${id}`)).status === 404;
    });
    const forced = await lab.active();
    assert.equal((await lab.act(forced, { forceDelete: null })).status, 202);
    await eventually("its end", async () => (await lab.call("GET", `/servers/${forced}`)).status === 404);
  });

  test("VERIFY_RESIZE is confirmed, SHELVED offloaded, when their time is over", async () => {
    const id = await lab.active();
    await lab.act(id, { resize: { flavorRef: "small" } });
    await lab.until(id, "VERIFY_RESIZE");
    lab.clock.advance(61_000);
    await eventually("ACTIVE", async () => {
      await wake(id);
      return (await lab.show(id)).status === "ACTIVE";
    });
    await lab.until(id, "ACTIVE");
    await lab.act(id, { shelve: null });
    await lab.until(id, "SHELVED");
    const refused = await lab.act(id, { shelveOffload: null });
    assert.equal(refused.status, 403);
    lab.clock.advance(61_000);
    await eventually("SHELVED_OFFLOADED", async () => {
      await wake(id);
      return (await lab.show(id)).status === "SHELVED_OFFLOADED";
    });
  });
});
