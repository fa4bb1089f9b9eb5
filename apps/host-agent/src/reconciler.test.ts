import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { GuestReport, GuestSpec } from "@andromede/agent-api/types";
import { manualClock } from "@andromede/base/clock";
import { invalid } from "@andromede/base/errors";
import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";

import type { Backend } from "./backend.ts";
import { DEFAULT_LIMITS } from "./guest.plan.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { Reconciler } from "./reconciler.ts";
import { createSimBackend, createSimHost } from "./sim/sim-backend.ts";

const spec: GuestSpec = {
  id: "11111111-1111-4111-8111-111111111111",
  name: "g",
  generation: 1,
  power: "running",
  vcpus: 1,
  memoryMib: 64,
  disks: [],
  images: [],
  interfaces: [],
  configDrive: false,
  metadata: { files: {} },
  addresses: [],
  networks: [],
};

/** The backend, with some of its steps replaced. */
const replacing = (backend: Backend, steps: Partial<Backend>): Backend =>
  new Proxy(backend, {
    get(target, name) {
      const member: unknown = Reflect.get(steps, name) ?? Reflect.get(target, name);
      return typeof member === "function" && !Reflect.has(steps, name) ? member.bind(target) : member;
    },
  });

type Scene = {
  ledger: Ledger;
  reconciler: Reconciler;
  clock: ReturnType<typeof manualClock>;
  report: () => GuestReport | undefined;
};

async function scene(change: (backend: Backend) => Backend): Promise<Scene> {
  const clock = manualClock(1_000_000);
  const ledger = await openLedger({ directory: null, clock, log: silentLogger });
  const backend = change(createSimBackend(createSimHost({ vcpus: 1, memoryMib: 1, diskGib: 1 })));
  const reconciler = new Reconciler({
    ledger,
    backend,
    clock,
    log: silentLogger,
    limits: DEFAULT_LIMITS,
    onReport: () => undefined,
  });
  return { ledger, reconciler, clock, report: () => reconciler.report(spec.id) };
}
const soon = (what: string, probe: () => boolean): Promise<true> =>
  waitUntil(what, probe, { timeoutMs: 30_000, everyMs: 1 });

describe("reconciler", () => {
  test("a trouble that may pass is tried again for a while before it is a fault, then still", async () => {
    let failing = true;
    let attempts = 0;
    const { ledger, reconciler, clock, report } = await scene((backend) =>
      replacing(backend, {
        async launch(...args) {
          attempts += 1;
          if (failing) throw new Error("the switch is restarting");
          await backend.launch(...args);
        },
      }),
    );
    await ledger.put(spec);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      reconciler.wake(spec.id);
      await soon(`attempt ${attempt}`, () => attempts === attempt && report()?.state !== "starting");
      await soon("the attempt's end", () => (report()?.fault !== undefined) === (attempt === 3));
      // Woken before its time, it does not hurry.
      reconciler.wake(spec.id);
      assert.equal(attempts, attempt);
      clock.advance(60_000);
    }
    assert.equal(report()?.state, "failed");
    assert.equal(report()?.fault, "The host could not start the server");
    failing = false;
    reconciler.wake(spec.id);
    await soon("the guest to run", () => report()?.converged === true);
    assert.equal(report()?.fault, undefined);
    await reconciler.close();
  });

  test("what will not pass by itself is a fault at once, in its own words; a new wish is tried at once", async () => {
    let attempts = 0;
    const { ledger, reconciler, report } = await scene((backend) =>
      replacing(backend, {
        async prepare(wanted, signal) {
          attempts += 1;
          if (wanted.generation === 1) throw invalid("Image i is larger than the disk");
          await backend.prepare(wanted, signal);
        },
      }),
    );
    await ledger.put(spec);
    reconciler.wake(spec.id);
    await soon("the fault", () => report()?.fault === "Image i is larger than the disk");
    assert.equal(attempts, 1);
    await ledger.put({ ...spec, generation: 2 });
    assert.equal(report()?.fault, undefined);
    reconciler.wake(spec.id);
    await soon("the guest to run", () => report()?.converged === true);
    await reconciler.close();
  });

  test("a deletion gives up the step that is under way", async () => {
    let givenUp = false;
    const { ledger, reconciler, report } = await scene((backend) =>
      replacing(backend, {
        prepare: (_spec, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              givenUp = true;
              reject(new Error("given up"));
            });
          }),
      }),
    );
    await ledger.put(spec);
    reconciler.wake(spec.id);
    await soon("the step", () => report()?.converged === false);
    await ledger.remove(spec.id, 2);
    reconciler.wake(spec.id);
    await soon("the guest to be gone", () => report() === undefined);
    assert.equal(givenUp, true);
    await reconciler.close();
  });

  test("in the middle of a step nothing is said to be done", async () => {
    let finish: () => void = () => undefined;
    const { ledger, reconciler, report } = await scene((backend) =>
      replacing(backend, {
        async begin(...args) {
          await backend.begin(...args);
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        },
      }),
    );
    await ledger.put(spec);
    reconciler.wake(spec.id);
    await soon("the guest to run", () => report()?.state === "running");
    assert.equal(report()?.converged, false);
    finish();
    await soon("the step's end", () => report()?.converged === true);
    await reconciler.close();
  });
});
