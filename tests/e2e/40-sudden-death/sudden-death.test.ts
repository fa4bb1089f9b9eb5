import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { waitUntil } from "@andromede/base/waiting";
import type { Cloud as Api } from "@andromede/openstack-client/client";

import { connectApi, deleteAndWait, see, untilActive } from "../support/api.ts";
import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { pidOf, pidsOf } from "../support/programs.ts";
import { NOTHING, WHOLE, guestsOf, untilRemains } from "../support/remains.ts";
import { type Scene, giveAddress, makeScene, startServer, waitForStatus } from "../support/scene.ts";
import { openSession } from "../support/session.ts";

/** Our own programs and the database: everything a create passes through. */
const PROGRAMS = ["control-plane", "host-agent@host1", "supervisor", "postgresql"];
/** What carries the guests' packets, and what tells it how. */
const NETWORK = [
  "ovn-northbound",
  "ovn-southbound",
  "ovn-northd",
  "ovsdb-server@host1",
  "ovs-vswitchd@host1",
  "ovn-controller@host1",
];
/** From the answer to the kill. A create takes about half a second: the first fall into its middle, the last after it. */
const DELAYS_MS = [0, 50, 100, 200, 300, 1000];
/** From the request to the kill: before, within and after its one transaction. */
const UNANSWERED_MS = [5, 20, 40, 80, 160];

describe("sudden death", () => {
  let cloud: Cloud;
  let api: Api;
  let key: Key;
  let scene: Scene;
  let wish: object;
  let guest: { id: string; address: string; bootId: string };

  before(async () => {
    cloud = await useCloud();
    api = connectApi(cloud);
    key = await makeKey();
    scene = await makeScene(cloud, "death", key);
    const id = await startServer(cloud, scene, "death-guest");
    await waitForStatus(cloud, id, "ACTIVE");
    const address = await giveAddress(cloud, id);
    guest = { id, address, bootId: await inGuest(key, address, "cat /proc/sys/kernel/random/boot_id") };
    wish = await wishOf();
  });

  async function wishOf(): Promise<object> {
    const [image] = (
      await api.call<{ images: { id: string }[] }>("image", "GET", "/v2/images", { query: { name: "mini" } })
    ).images;
    const { flavors } = await api.call<{ flavors: { id: string; name: string }[] }>("compute", "GET", "/flavors");
    const { networks } = await api.call<{ networks: { id: string }[] }>("network", "GET", "/v2.0/networks", {
      query: { name: scene.networkName },
    });
    return {
      imageRef: image?.id,
      flavorRef: flavors.find(({ name }) => name === "mini.tiny")?.id,
      networks: [{ uuid: networks[0]?.id }],
    };
  }

  const post = async (name: string): Promise<string> =>
    (await api.call<{ server: { id: string } }>("compute", "POST", "/servers", { body: { server: { name, ...wish } } }))
      .server.id;

  const serversNamed = (name: string): Promise<{ id: string }[]> =>
    waitUntil(
      "the list",
      async () => {
        const options = { query: { name: `^${name}$` }, timeoutMs: 30_000 };
        return (await api.call<{ servers: { id: string }[] }>("compute", "GET", "/servers", options)).servers;
      },
      { timeoutMs: 60_000 },
    );

  /** Looks at what a session sees while `work` happens: it stays connected throughout. */
  async function duringSession(work: () => Promise<void>): Promise<{ longestSilenceMs: number }> {
    // what died before may still be on its way back
    await inGuest(key, guest.address, "true");
    const session = openSession(key, guest.address);
    try {
      await session.more(1);
      session.longestSilenceMs();
      await work();
      await session.more(4);
      return { longestSilenceMs: session.longestSilenceMs() };
    } finally {
      session.end();
    }
  }

  /** What is used, by the books, is what is there. */
  async function assertBooks(): Promise<void> {
    const booked = await cloud.sql(
      "select coalesce(sum(used_servers), 0) || ' ' || (select coalesce(sum(claimed_servers), 0) from compute_host) from compute_project",
    );
    const there = await cloud.sql("select count(*) || ' ' || count(host) from server");
    assert.equal(booked.trim(), there.trim(), "servers counted against quotas and claimed on hosts");
  }

  for (const victim of [...PROGRAMS, ...NETWORK]) {
    it(`of ${victim}: a server being created becomes ACTIVE by itself, once`, async (test) => {
      let caught = 0;
      for (const [round, delayMs] of DELAYS_MS.entries()) {
        const pid = await pidOf(cloud, victim);
        const id = await post(`death-${round}`);
        await delay(delayMs); // the moment of death is the experiment
        const { status, "OS-EXT-STS:task_state": task } = await see(api, id);
        process.kill(pid, "SIGKILL");
        const killedAt = performance.now();
        if (status === "BUILD") caught += 1;
        await untilActive(api, id);
        const activeMs = Math.round(performance.now() - killedAt);
        const another = await pidOf(cloud, victim, pid);
        await untilRemains(cloud, id, WHOLE);
        test.diagnostic(
          `killed ${delayMs} ms after the answer (${status}, ${task ?? "no task"}): ACTIVE after ${activeMs} ms; pid ${pid} -> ${another}`,
        );
        await deleteAndWait(api, id);
        await untilRemains(cloud, id, NOTHING);
      }
      assert.ok(caught > 0, "at least one death was in the middle of the create");
      await assertBooks();
    });

    it(`of ${victim}: a running guest does not notice`, async (test) => {
      const [process_] = guestsOf(cloud, guest.id);
      let killedAt = 0;
      const { longestSilenceMs } = await duringSession(async () => {
        const pid = await pidOf(cloud, victim);
        process.kill(pid, "SIGKILL");
        killedAt = performance.now();
        await pidOf(cloud, victim, pid);
      });
      test.diagnostic(`the session's longest silence: ${longestSilenceMs} ms`);
      assert.equal(await inGuest(key, guest.address, "cat /proc/sys/kernel/random/boot_id"), guest.bootId);
      test.diagnostic(`a new session after ${Math.round(performance.now() - killedAt)} ms`);
      await untilActive(api, guest.id);
      assert.deepEqual(guestsOf(cloud, guest.id), [process_], "the same process");
      await untilRemains(cloud, guest.id, WHOLE);
    });
  }

  for (const victim of ["control-plane", "postgresql"]) {
    it(`of ${victim} before the answer: a server that is there becomes ACTIVE, one that is not leaves nothing`, async (test) => {
      for (const [round, delayMs] of UNANSWERED_MS.entries()) {
        const name = `death-unanswered-${victim}-${round}`;
        const pid = await pidOf(cloud, victim);
        const answer = post(name).then(
          () => "answered",
          (error: unknown) => (error instanceof Error && /: 5\d\d /.test(error.message) ? "refused" : "no answer"),
        );
        await delay(delayMs);
        process.kill(pid, "SIGKILL");
        const said = await answer;
        const found = await serversNamed(name);
        if (said === "answered") assert.equal(found.length, 1, "what was answered is there");
        for (const { id } of found) {
          await untilActive(api, id);
          await untilRemains(cloud, id, WHOLE);
          await deleteAndWait(api, id);
          await untilRemains(cloud, id, NOTHING);
        }
        assert.ok(found.length <= 1, "not twice");
        test.diagnostic(
          `killed ${delayMs} ms after the request: ${said}, ${found.length === 1 ? "ACTIVE" : "not there"}`,
        );
        await pidOf(cloud, victim, pid);
      }
      await assertBooks();
    });
  }

  it("of control-plane between the commit and the answer: the server is there, once, and becomes ACTIVE", async (test) => {
    const name = "death-committed";
    const waitForStandby = async (standby: string): Promise<void> => {
      await cloud.sql(`alter system set synchronous_standby_names = '${standby}'`);
      await cloud.sql("select pg_reload_conf()");
    };
    // A standby that does not exist: what is committed is on disk, and nobody is told.
    await waitForStandby("nobody");
    const pid = await pidOf(cloud, "control-plane");
    const answer = post(name).then(
      () => "answered",
      () => "no answer",
    );
    try {
      await waitUntil(
        "the commit",
        async () =>
          // Others commit too: a server comes in the only transaction that writes servers and addresses.
          (
            await cloud.sql(`select count(*) from pg_stat_activity a where wait_event = 'SyncRep' and query = 'commit'
              and 2 = (select count(distinct relation) from pg_locks l where l.pid = a.pid and mode = 'RowExclusiveLock'
                and relation in ('server'::regclass, 'ip_allocation'::regclass))`)
          ).trim() !== "0",
        { timeoutMs: 20_000 },
      );
      process.kill(pid, "SIGKILL");
      assert.equal(await answer, "no answer");
    } finally {
      await waitForStandby("");
    }
    const killedAt = performance.now();
    const found = await serversNamed(name);
    assert.equal(found.length, 1);
    const id = found[0]?.id ?? "";
    await untilActive(api, id);
    test.diagnostic(`ACTIVE after ${Math.round(performance.now() - killedAt)} ms`);
    await untilRemains(cloud, id, WHOLE);
    await deleteAndWait(api, id);
    await untilRemains(cloud, id, NOTHING);
    await assertBooks();
  });

  it("of everything at once: what was wanted comes back", async (test) => {
    const pids = Object.entries(await pidsOf(cloud)).flatMap(([, pid]) => pid ?? []);
    let id = "";
    const { longestSilenceMs } = await duringSession(async () => {
      id = await post("death-of-all");
      for (const pid of pids) process.kill(pid, "SIGKILL");
      const killedAt = performance.now();
      await untilActive(api, id);
      test.diagnostic(
        `ACTIVE ${Math.round(performance.now() - killedAt)} ms after the death of ${pids.length} processes`,
      );
      await untilRemains(cloud, id, WHOLE);
    });
    test.diagnostic(`the session's longest silence: ${longestSilenceMs} ms`);
    assert.equal(await inGuest(key, guest.address, "cat /proc/sys/kernel/random/boot_id"), guest.bootId);
    await deleteAndWait(api, id);
    await untilRemains(cloud, id, NOTHING);
    await assertBooks();
  });

  after(async () => {
    api?.close();
    await cloud.openstack("server", "delete", "--wait", guest.id);
    const addresses: { ID: string }[] = await cloud.openstack("floating", "ip", "list", "-f", "json");
    for (const { ID } of addresses) await cloud.openstack("floating", "ip", "delete", ID);
    await scene.clean();
  });
});
