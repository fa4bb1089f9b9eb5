/**
 * libs/agent-api, held to its word: the same tests on the simulated backend and on QEMU. Nothing here knows which it is;
 * what only a real host has (jails, links, metadata) is in qemu.contract.test.ts.
 */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";

import type { GuestDisk, GuestReport, GuestSpec, Report } from "@andromede/agent-api/types";
import { CloudError } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { type BenchHost, specOf } from "./support/bench-host.ts";
import { startQemuHost } from "./support/qemu-host.ts";
import { startSimHost } from "./support/sim-host.ts";

const WAIT = { timeoutMs: 20_000, everyMs: 10 };

for (const [backend, start] of [
  ["simulated", startSimHost],
  ["qemu", startQemuHost],
] as const) {
  describe(`agent contract: ${backend}`, () => {
    let host: BenchHost;
    before(async () => {
      host = await start();
    });
    after(() => host.stop());
    contract(() => host);
  });
}

function contract(the: () => BenchHost): void {
  const see = (id: string, what: string, fits: (report: GuestReport) => boolean): Promise<GuestReport> =>
    waitUntil(
      `guest to be ${what}`,
      async () => {
        const report = await the().client.getGuest(id);
        return report !== null && fits(report) && report;
      },
      WAIT,
    );
  const converged = (id: string, state: GuestReport["state"], generation: number): Promise<GuestReport> =>
    see(id, state, (report) => report.converged && report.state === state && report.generation === generation);
  const gone = (id: string): Promise<true> =>
    waitUntil("guest to be gone", async () => (await the().client.getGuest(id)) === null, WAIT);

  /** By what it says on its console, it has begun so often. */
  const started = (id: string, times: number): Promise<true> =>
    waitUntil(
      `start ${times} on the console`,
      async () => (await the().client.consoleText(id, undefined)).split(/UP|contract: started/).length - 1 === times,
      WAIT,
    );

  /** A running guest, removed when the test ends. */
  async function running(
    context: { after(fn: () => Promise<void>): void },
    changes: Partial<GuestSpec> = {},
  ): Promise<GuestSpec> {
    const spec = specOf(the(), changes);
    context.after(() => remove(spec.id));
    await the().client.putGuest(spec);
    if (spec.power === "running") await converged(spec.id, "running", spec.generation);
    return spec;
  }
  async function remove(id: string): Promise<void> {
    the().holdPorts(false);
    if (await the().client.deleteGuest(id, 1_000_000)) await gone(id);
  }
  const change = async (spec: GuestSpec, changes: Partial<GuestSpec>): Promise<GuestSpec> => {
    const next = { ...spec, ...changes, generation: spec.generation + 1 };
    await the().client.putGuest(next);
    return next;
  };
  const refusal = (kind: string) => (error: unknown) => error instanceof CloudError && error.kind === kind;

  test("says what the host is", async () => {
    const facts = await the().client.host();
    assert.equal(facts.apiVersion, 1);
    assert.equal(facts.hostname, "host1");
    assert.equal(facts.backend, the().backend);
    assert.ok(facts.vcpus > 0 && facts.memoryMib > 0 && facts.diskGib > 0);
  });

  test("a guest runs, with its ports up, and leaves nothing when it is deleted", async (context) => {
    const spec = await running(context);
    const report = await the().client.getGuest(spec.id);
    assert.deepEqual(report, {
      id: spec.id,
      generation: 1,
      state: "running",
      converged: true,
      portsUp: [spec.interfaces[0]?.portId],
      disks: ["root"],
    });
    assert.deepEqual(
      (await the().client.guests()).map(({ id }) => id),
      [spec.id],
    );
    assert.notDeepEqual(await the().remains(spec.id), []);
    // false: it went at once
    if (await the().client.deleteGuest(spec.id, 2)) await gone(spec.id);
    assert.equal(await the().client.getGuest(spec.id), null);
    assert.deepEqual(await the().remains(spec.id), []);
    assert.equal(await the().client.deleteGuest(spec.id, 3), false);
  });

  test("a report stream tells all on connection, then changes, then the end", async (context) => {
    const first = await running(context);
    const stop = new AbortController();
    const seen: Report[] = [];
    const reading = (async () => {
      for await (const report of the().client.reports(stop.signal)) seen.push(report);
    })();
    await waitUntil("a full report", () => seen.length > 0, WAIT);
    assert.equal(seen[0]?.full, true);
    assert.deepEqual(
      seen[0]?.guests.map(({ id, state }) => ({ id, state })),
      [{ id: first.id, state: "running" }],
    );
    assert.equal(seen[0]?.host.hostname, "host1");
    const second = await running(context);
    const told = (): GuestReport[] => seen.slice(1).flatMap(({ guests }) => guests);
    await waitUntil(
      "the second guest in a delta",
      () => told().some(({ id, converged: settled }) => id === second.id && settled),
      WAIT,
    );
    assert.ok(seen.slice(1).every(({ full }) => !full));
    await the().client.deleteGuest(second.id, 2);
    await waitUntil(
      "the end of the second guest",
      () => told().some(({ id, gone: ended }) => id === second.id && ended === true),
      WAIT,
    );
    assert.equal(told().filter(({ gone: ended }) => ended === true).length, 1);
    stop.abort();
    await reading;
  });

  test("an older generation is refused and changes nothing; the same one again is no change", async (context) => {
    const spec = await running(context, { generation: 5 });
    await assert.rejects(the().client.putGuest({ ...spec, generation: 4, power: "stopped" }), refusal("conflict"));
    await assert.rejects(the().client.deleteGuest(spec.id, 4), refusal("conflict"));
    await the().client.putGuest(spec);
    await converged(spec.id, "running", 5);
  });

  test("a deleted guest does not come back by a late PUT", async (context) => {
    const spec = await running(context);
    await the().client.deleteGuest(spec.id, 2);
    await gone(spec.id);
    await assert.rejects(the().client.putGuest({ ...spec, generation: 2 }), refusal("conflict"));
    assert.equal(await the().client.getGuest(spec.id), null);
  });

  test("pause and resume, stop and start", async (context) => {
    let spec = await running(context);
    spec = await change(spec, { power: "paused" });
    await converged(spec.id, "paused", 2);
    spec = await change(spec, { power: "running" });
    await converged(spec.id, "running", 3);
    spec = await change(spec, { power: "stopped" });
    const stopped = await converged(spec.id, "stopped", 4);
    assert.deepEqual(stopped.portsUp, []);
    assert.equal(stopped.spontaneous, undefined);
    spec = await change(spec, { power: "running" });
    await converged(spec.id, "running", 5);
  });

  test("a guest that takes no notice of its power button is stopped all the same", async (context) => {
    const spec = await running(context);
    await the().ignoreShutdown(spec.id);
    await change(spec, { power: "stopped" });
    await converged(spec.id, "stopped", 2);
  });

  test("suspend and resume, and stop while suspended", async (context) => {
    let spec = await running(context);
    spec = await change(spec, { power: "suspended" });
    await converged(spec.id, "suspended", 2);
    spec = await change(spec, { power: "running" });
    await converged(spec.id, "running", 3);
    spec = await change(spec, { power: "suspended" });
    await converged(spec.id, "suspended", 4);
    spec = await change(spec, { power: "stopped" });
    await converged(spec.id, "stopped", 5);
  });

  test("a guest may be made stopped", async (context) => {
    const spec = await running(context, { power: "stopped" });
    await converged(spec.id, "stopped", 1);
    await change(spec, { power: "running" });
    await converged(spec.id, "running", 2);
  });

  for (const kind of ["hard", "soft"] as const) {
    test(`${kind} reboot is done once a nonce`, async (context) => {
      const spec = await running(context);
      const rebooted = (nonce: string): Promise<GuestReport> =>
        see(
          spec.id,
          "rebooted",
          ({ rebootNonce, converged: settled, state }) => rebootNonce === nonce && settled && state === "running",
        );
      await started(spec.id, 1);
      await the().client.rebootGuest(spec.id, kind, "one");
      await rebooted("one");
      await started(spec.id, 2);
      await the().client.rebootGuest(spec.id, kind, "one");
      await the().client.rebootGuest(spec.id, kind, "two");
      await rebooted("two");
      await started(spec.id, 3);
    });
  }

  test("a soft reboot of a guest that does not power off becomes a hard one", async (context) => {
    const spec = await running(context);
    await the().ignoreShutdown(spec.id);
    await the().client.rebootGuest(spec.id, "soft", "deaf");
    await see(spec.id, "rebooted", ({ rebootNonce, converged: settled }) => rebootNonce === "deaf" && settled);
  });

  test("a guest that switches itself off is reported so, and starts again only when asked to", async (context) => {
    let spec = await running(context);
    await the().powerOffFromInside(spec.id);
    const off = await see(spec.id, "off", ({ state }) => state === "stopped");
    assert.equal(off.spontaneous, true);
    assert.equal(off.converged, false);
    // A change that says nothing of power leaves it off.
    spec = await change(spec, { name: "renamed" });
    assert.equal((await see(spec.id, "off still", ({ generation }) => generation === 2)).state, "stopped");
    spec = await change(spec, { powerNonce: "start" });
    await converged(spec.id, "running", 3);
    await the().powerOffFromInside(spec.id);
    await see(spec.id, "off again", ({ spontaneous }) => spontaneous === true);
    spec = await change(spec, { power: "stopped" });
    assert.equal((await converged(spec.id, "stopped", 4)).spontaneous, undefined);
    await change(spec, { power: "running" });
    await converged(spec.id, "running", 5);
  });

  test("a guest that switches itself off while the agent is away is not taken for one to start", async (context) => {
    const spec = await running(context);
    await the().powerOffFromInside(spec.id);
    await the().crashAgent();
    await the().startAgent();
    assert.equal((await see(spec.id, "off", ({ state }) => state === "stopped")).spontaneous, true);
  });

  test("a guest whose process dies is started again, unless it goes on dying", async (context) => {
    const spec = await running(context);
    for (const starts of [1, 2, 3, 4]) {
      await started(spec.id, starts);
      assert.equal((await converged(spec.id, "running", 1)).spontaneous, undefined);
      if (starts < 4) await the().killGuest(spec.id);
    }
    await the().killGuest(spec.id);
    assert.equal((await see(spec.id, "off", ({ state }) => state === "stopped")).spontaneous, true);
    await change(spec, { powerNonce: "start" });
    await converged(spec.id, "running", 2);
  });

  test("no guest runs before its ports are up; that they are not is said after a time; then it runs", async (context) => {
    the().holdPorts(true);
    const spec = specOf(the());
    context.after(() => remove(spec.id));
    await the().client.putGuest(spec);
    assert.deepEqual((await see(spec.id, "starting", ({ state }) => state === "starting")).portsUp, []);
    const late = await see(spec.id, "late", ({ fault }) => fault !== undefined);
    assert.equal(late.state, "failed");
    assert.match(late.fault ?? "", new RegExp(`port ${spec.interfaces[0]?.portId}`));
    the().holdPorts(false);
    assert.equal((await converged(spec.id, "running", 1)).fault, undefined);
  });

  test("faults are said in words, and a new wish is tried at once", async (context) => {
    const { disk, images } = the().disk(1);
    const spec = await running(context, { power: "stopped", disks: [disk], images: [] });
    const unread = await see(spec.id, "faulty", ({ fault }) => fault !== undefined);
    assert.equal(unread.state, "failed");
    assert.equal(
      unread.fault,
      `Image ${disk.source.kind === "image" ? disk.source.imageId : ""} cannot be read by the host`,
    );
    await change(spec, { images, power: "running" });
    await converged(spec.id, "running", 2);
  });

  test("an interface is attached to a guest that is stopped", async (context) => {
    const spec = await running(context, { power: "stopped", interfaces: [] });
    await converged(spec.id, "stopped", 1);
    const { interfaces } = specOf(the());
    await change(spec, { power: "running", interfaces });
    assert.deepEqual(
      (await converged(spec.id, "running", 2)).portsUp,
      interfaces.map(({ portId }) => portId),
    );
  });

  test("an interface is attached to a guest that runs", async (context) => {
    const spec = await running(context);
    const added = { portId: newUuid(), macAddress: "fa:16:3e:00:00:02", mtu: 1442 };
    const next = await change(spec, { interfaces: [...spec.interfaces, added] });
    const both = next.interfaces.map(({ portId }) => portId).toSorted();
    await see(
      spec.id,
      "on both networks",
      ({ portsUp, converged: settled }) => settled && portsUp.toSorted().join() === both.join(),
    );
  });

  test("the agent's death does not touch a guest, and its return continues what was begun", async (context) => {
    const old = await running(context);
    const console = await waitUntil(
      "console text",
      async () => {
        const text = await the().client.consoleText(old.id, undefined);
        return text.endsWith("\n") && text;
      },
      WAIT,
    );
    const begun = specOf(the());
    context.after(() => remove(begun.id));
    await the().client.putGuest(begun);
    await the().crashAgent();
    await the().startAgent();
    await converged(begun.id, "running", 1);
    const adopted = await converged(old.id, "running", 1);
    assert.equal(adopted.spontaneous, undefined);
    assert.equal(await the().client.consoleText(old.id, undefined), console);
    await the().client.deleteGuest(begun.id, 2);
    await the().crashAgent();
    await the().startAgent();
    await gone(begun.id);
    assert.deepEqual(await the().remains(begun.id), []);
  });

  test("console text, VNC and serial streams", async (context) => {
    const spec = await running(context);
    await waitUntil("console text", async () => (await the().client.consoleText(spec.id, undefined)).length > 0, WAIT);
    assert.equal((await the().client.consoleText(spec.id, 1)).trimEnd().split("\n").length, 1);
    assert.equal(await the().client.consoleText(spec.id, 0), "");
    const vnc = await the().client.openStream(spec.id, "vnc");
    const [greeting] = (await vnc.take(1).toArray()) as [Buffer];
    assert.equal(greeting.toString(), "RFB 003.008\n");
    vnc.destroy();
    const serial = await the().client.openStream(spec.id, "serial");
    serial.write("x");
    const [echo] = (await serial.take(1).toArray()) as [Buffer];
    assert.equal(echo.toString(), "x");
    serial.destroy();
    const stopped = await change(spec, { power: "stopped" });
    await converged(stopped.id, "stopped", 2);
    await assert.rejects(the().client.openStream(spec.id, "vnc"), refusal("conflict"));
    await assert.rejects(the().client.openStream(newUuid(), "vnc"), refusal("notFound"));
    await assert.rejects(the().client.consoleText(newUuid(), undefined), refusal("notFound"));
  });

  test("disks made anew, kept aside, and back", async (context) => {
    const spec = await running(context, { power: "stopped" });
    const [root] = spec.disks;
    assert.ok(root !== undefined);
    assert.deepEqual((await converged(spec.id, "stopped", 1)).disks, ["root"]);
    const second: GuestDisk = { id: "second", source: { kind: "empty" }, sizeGib: 1 };
    let next = await change(spec, { power: "running", disks: [{ ...root, nonce: "again" }, second] });
    assert.deepEqual((await converged(spec.id, "running", 2)).disks, ["root", "second"]);
    next = await change(next, {
      disks: [
        { ...root, nonce: "again" },
        { ...second, detached: true },
      ],
    });
    assert.deepEqual((await converged(spec.id, "running", 3)).disks, ["root"]);
    next = await change(next, { disks: [{ ...root, nonce: "again" }, second] });
    assert.deepEqual((await converged(spec.id, "running", 4)).disks, ["root", "second"]);
    await change(next, { vcpus: 2, memoryMib: 96, disks: [{ ...root, nonce: "third" }] });
    assert.deepEqual((await converged(spec.id, "running", 5)).disks, ["root"]);
  });

  test("a volume is a disk of a stopped guest, of a started one, and of one that runs", async (context) => {
    const attached = async (): Promise<GuestDisk> => {
      const id = newUuid();
      const key = `${"k".repeat(43)}=`;
      await the().client.putVolume({ id, generation: 1, sizeGib: 1, key, source: { kind: "empty" }, snapshots: [] });
      await waitUntil("the volume", async () => (await the().client.getVolume(id))?.state === "ready", WAIT);
      return { id, source: { kind: "volume", volumeId: id, key, readOnly: false, shared: false }, sizeGib: 1 };
    };
    const [first, second] = [await attached(), await attached()];
    const spec = await running(context, { power: "stopped" });
    let next = await change(spec, { disks: [...spec.disks, first] });
    assert.deepEqual((await converged(spec.id, "stopped", 2)).disks, ["root", first.id]);
    next = await change(next, { power: "running" });
    assert.deepEqual((await converged(spec.id, "running", 3)).disks, ["root", first.id]);
    next = await change(next, { disks: [...spec.disks, first, { ...second, limits: { totalIops: 100 } }] });
    assert.deepEqual((await converged(spec.id, "running", 4)).disks, ["root", first.id, second.id]);
    next = await change(next, { disks: [...spec.disks, first, { ...second, limits: { readBytesSec: 1_000_000 } }] });
    await converged(spec.id, "running", 5);
    // As with kill -9: the keys are forgotten, and only asked for when they are needed.
    await the().crashAgent();
    await the().startAgent();
    assert.equal((await converged(spec.id, "running", 5)).needsKeys, undefined);
    await the().client.rebootGuest(spec.id, "hard", "n");
    await see(spec.id, "waiting for keys", ({ needsKeys }) => needsKeys === true);
    await the().client.putGuest(next);
    await see(spec.id, "back", ({ rebootNonce, converged: done }) => rebootNonce === "n" && done);
    next = await change(next, { power: "suspended" });
    assert.deepEqual((await converged(spec.id, "suspended", 6)).disks, ["root", first.id, second.id]);
    next = await change(next, { power: "stopped", disks: spec.disks });
    assert.deepEqual((await converged(spec.id, "stopped", 7)).disks, ["root"]);
  });

  test("what is asked of a guest's process is refused while there is none", async (context) => {
    const spec = await running(context);
    const { cpus, memory, disks, interfaces } = await the().client.diagnostics(spec.id);
    assert.equal(cpus.length, 1);
    assert.equal(memory.maximumMib, 64);
    assert.deepEqual(
      [disks.map(({ id }) => id), interfaces.map(({ macAddress }) => macAddress)],
      [["root"], ["fa:16:3e:00:00:01"]],
    );
    await the().client.injectNmi(spec.id);
    await change(spec, { power: "stopped" });
    await converged(spec.id, "stopped", 2);
    await assert.rejects(the().client.diagnostics(spec.id), refusal("conflict"));
    await assert.rejects(the().client.injectNmi(spec.id), refusal("conflict"));
    await assert.rejects(the().client.setPassword(spec.id, "root", "secret"), refusal("conflict"));
    await assert.rejects(the().client.setPassword(spec.id, "a:b", "secret"), refusal("invalid"));
    for (const ask of ["diagnostics", "injectNmi"] as const)
      await assert.rejects(the().client[ask](newUuid()), refusal("notFound"));
    await assert.rejects(the().client.setPassword(newUuid(), "root", "secret"), refusal("notFound"));
  });

  test("an image in use is not dropped", async (context) => {
    const spec = await running(context);
    const imageId = spec.images[0]?.imageId ?? "";
    await assert.rejects(the().client.dropImage(imageId), refusal("conflict"));
    await remove(spec.id);
    await the().client.dropImage(imageId);
  });

  test("what does not keep to the contract is refused, and changes nothing", async () => {
    const spec = specOf(the());
    const bad: unknown[] = [
      { ...spec, power: "flying" },
      { ...spec, generation: -1 },
      { ...spec, vcpus: 0 },
      { ...spec, surprise: true },
      { ...spec, id: "../../etc" },
      { ...spec, disks: [{ id: "../x", source: { kind: "empty" }, sizeGib: 1 }] },
      { ...spec, interfaces: [{ portId: "tap0", macAddress: "fa:16:3e:00:00:01", mtu: 1442 }] },
      { ...spec, metadata: { files: { "openstack/../../x": "" } } },
      { ...spec, disks: spec.disks.map((disk) => ({ ...disk, limits: { totalIops: 5, readIops: 5 } })) },
      { ...spec, disks: spec.disks.map((disk) => ({ ...disk, detached: false })) },
      { ...spec, images: [{ imageId: "a,b", path: "/x" }] },
      { ...spec, networks: undefined },
      [],
      "x",
    ];
    for (const body of bad) {
      await assert.rejects(
        the().client.putGuest(body as GuestSpec),
        (error) => error instanceof CloudError && (error.kind === "invalid" || error.kind === "notFound"),
      );
    }
    await assert.rejects(the().client.rebootGuest(spec.id, "gentle" as "soft", "n"), refusal("invalid"));
    await assert.rejects(the().client.rebootGuest(spec.id, "soft", "n"), refusal("notFound"));
    await assert.rejects(the().client.deleteGuest(spec.id, -1), refusal("invalid"));
    assert.deepEqual(await the().client.guests(), []);
  });
}

test("a body that is not JSON, or a path that is not one, is a refusal and no failure", async () => {
  const host = await startSimHost();
  try {
    const socketPath = host.socketPath ?? "";
    const ask = (method: string, path: string, body: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const outgoing = request({ socketPath, method, path }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        outgoing.once("error", reject);
        outgoing.end(body);
      });
    assert.equal(await ask("PUT", `/v1/guests/${newUuid()}`, "{"), 400);
    assert.equal(await ask("GET", "/v1/guests/%E0%A4%A", ""), 400);
    assert.equal(await ask("GET", "/v2/host", ""), 404);
    assert.equal(await ask("PATCH", "/v1/host", ""), 404);
    assert.equal(await ask("PUT", `/v1/guests/${newUuid()}`, `"${"x".repeat(17 * 1024 * 1024)}"`), 413);
  } finally {
    await host.stop();
  }
});
