import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { GuestPower, GuestState } from "@andromede/agent-api/types";

import { type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { type ServerFacts, type ServerMode, type TaskName, type VmState, stateOf } from "./server.model.ts";
import { listServerStatement } from "./server.queries.ts";

type LongChange = Pick<ServerFacts, "task" | "taskVmState" | "mode">;
const NO_CHANGE: LongChange = { task: null, taskVmState: null, mode: "ordinary" };
const MODES: ServerMode[] = ["ordinary", "rescued", "resized", "shelved", "shelved_offloaded", "soft-delete"];
const TASKS: TaskName[] = [
  "rebuilding",
  "resize_prep",
  "resize_migrating",
  "resize_finish",
  "resize_reverting",
  "resize_confirming",
  "rescuing",
  "unrescuing",
  "shelving",
  "shelving_image_uploading",
  "shelving_offloading",
  "unshelving",
  "image_snapshot",
  "image_pending_upload",
  "image_uploading",
  "image_backup",
  "soft-deleting",
  "restoring",
];
const BEGUN_IN: VmState[] = [
  "active",
  "paused",
  "suspended",
  "stopped",
  "error",
  "building",
  ...MODES.slice(1),
] as VmState[];

/** Every task in every state it could begin in, and every mode, with what else a state is made from. */
function* everyLongChange(): Generator<ServerFacts> {
  const changes: LongChange[] = [
    ...MODES.map((mode) => ({ task: null, taskVmState: null, mode })),
    ...TASKS.flatMap((task) => BEGUN_IN.map((taskVmState) => ({ task, taskVmState, mode: "ordinary" as const }))),
    ...MODES.map((mode) => ({ task: TASKS[0] ?? null, taskVmState: "active" as const, mode })),
  ];
  const ordinary = [...everyCombination()].filter(
    (facts) =>
      facts.power === "running" &&
      facts.host !== null &&
      facts.observedGeneration !== 1 &&
      !facts.observedSpontaneous &&
      (facts.rebootKind === null || facts.observedRebootNonce === null) &&
      ["running", "stopped", "preparing", null].includes(facts.observedState),
  );
  for (const change of changes) for (const facts of ordinary) yield { ...facts, ...change };
}

/** Every combination of what the state of a server without a longer change is made from. */
function* everyCombination(): Generator<ServerFacts> {
  const powers: GuestPower[] = ["running", "paused", "stopped", "suspended"];
  const states: (GuestState | null)[] = [
    "preparing",
    "starting",
    "running",
    "paused",
    "suspended",
    "stopped",
    "failed",
    null,
  ];
  const reboots = [
    { rebootKind: null, rebootNonce: null, observedRebootNonce: null },
    { rebootKind: "soft", rebootNonce: "b", observedRebootNonce: "a" },
    { rebootKind: "hard", rebootNonce: "b", observedRebootNonce: null },
    { rebootKind: "hard", rebootNonce: "b", observedRebootNonce: "b" },
  ] as const;
  const both = [false, true];
  for (const power of powers)
    for (const observedState of states)
      for (const reboot of reboots)
        for (const observedGeneration of [null, 1, 2])
          for (const deleting of both)
            for (const placed of both)
              for (const fault of both)
                for (const observedSpontaneous of both)
                  for (const observedFault of [null, "broken"])
                    for (const launched of both)
                      yield {
                        power,
                        ...NO_CHANGE,
                        observedState,
                        ...reboot,
                        observedGeneration,
                        powerGeneration: 2,
                        deleting,
                        host: placed ? "host1" : null,
                        faultMessage: fault ? "no" : null,
                        observedSpontaneous,
                        observedFault,
                        observedLaunchedAt: launched ? new Date(0) : null,
                      };
}

describe("states in SQL", () => {
  let app: TestApp;
  before(async () => {
    app = await createTestApp();
  });
  after(() => app.close());

  test("are those of server.model.ts, over every combination", async () => {
    const all = [...everyCombination(), ...everyLongChange()];
    const { db } = app.app;
    const wire = all.map((facts, index) => ({
      index,
      power: facts.power,
      state: facts.observedState,
      reboot_kind: facts.rebootKind,
      reboot_nonce: facts.rebootNonce,
      seen_nonce: facts.observedRebootNonce,
      generation: facts.observedGeneration,
      deleting: facts.deleting,
      host: facts.host,
      fault: facts.faultMessage,
      spontaneous: facts.observedSpontaneous,
      seen_fault: facts.observedFault,
      launched: facts.observedLaunchedAt !== null,
      task: facts.task,
      task_vm_state: facts.taskVmState,
      mode: facts.mode,
    }));
    const rows = await db.begin(async (sql) => {
      await sql`create temporary table t (like server including generated) on commit drop`;
      await sql`
        insert into t (id, number, project_id, user_id, name, hostname, flavor_id, flavor, image_id, image, seed, config_drive, disk_config, metadata, tags,
          scheduler_hints, reservation_id, launch_index, created_at, updated_at, power_nonce, generation, task_since, observed_converged, observed_gone,
          power, power_generation, reboot_kind, reboot_nonce, observed_reboot_nonce, observed_generation, observed_state, deleting, host,
          fault_message, observed_spontaneous, observed_fault, observed_launched_at, task, task_vm_state, mode, root_gib, observed_disks,
          observed_needs_keys)
        select 'x', index, 'p', 'u', 'n', 'h', 'f', '{}', 'i', '{}', '', false, 'MANUAL', '{}', '{}', '{}', 'r', 0, now(), now(), 'n', 2, now(), false, false,
          power, 2, reboot_kind, reboot_nonce, seen_nonce, generation, state, deleting, host, fault, spontaneous, seen_fault,
          case when launched then now() end, task, task_vm_state, mode, 0, '{}', false
        from jsonb_to_recordset(${sql.json(wire)}) as r (index bigint, power text, state text, reboot_kind text, reboot_nonce text, seen_nonce text,
          generation bigint, deleting boolean, host text, fault text, spontaneous boolean, seen_fault text, launched boolean,
          task text, task_vm_state text, mode text)`;
      return sql<{ number: number; vmState: string; taskState: string | null; status: string }[]>`
        select number, vm_state, task_state, server_status(vm_state, task_state) as status from t`;
    });
    assert.equal(rows.length, all.length);
    for (const row of rows) {
      const facts = all[row.number];
      assert.ok(facts);
      const { vmState, taskState, status } = stateOf(facts);
      assert.deepEqual([row.vmState, row.taskState, row.status], [vmState, taskState, status], JSON.stringify(facts));
    }
  });
});

describe("lists of servers are index scans", () => {
  let app: TestApp;
  const MARKER = "00000000-0000-4000-8000-000000001500";
  before(async () => {
    app = await createTestApp();
    await app.app.db`
      insert into server (id, project_id, user_id, name, hostname, flavor_id, flavor, image_id, image, seed, reservation_id, created_at, updated_at,
        power_nonce, task_since, host, observed_state, observed_generation, observed_converged, observed_launched_at)
      select '00000000-0000-4000-8000-' || lpad(n::text, 12, '0'), 'project-' || n % 20, 'u', 'web-' || n, 'web', 'tiny', '{}', 'i', '{}', '', 'r',
        now() - n * interval '1 second', now(), 'n', now(), 'host1', case when n % 10 = 0 then 'paused' else 'running' end, 1, true, now()
      from generate_series(1, 4000) n`;
    await app.app.db`analyze server`;
  });
  after(() => app.close());

  const page = {
    filter: { projectId: "project-0" as string | null, equal: {}, matching: {} },
    sort: [],
    marker: undefined,
    limit: 20,
  };
  const cases = [
    { name: "a project's", page, index: "server_of_project" },
    { name: "a project's, next page", page: { ...page, marker: MARKER }, index: "server_of_project" },
    { name: "all projects'", page: { ...page, filter: { ...page.filter, projectId: null } }, index: "server_by_age" },
    {
      name: "a project's by status",
      page: { ...page, filter: { ...page.filter, statuses: ["BUILD"] } },
      index: "server_by_status",
    },
    {
      name: "a project's by name",
      page: { ...page, filter: { ...page.filter, matching: { name: "^web-1" } } },
      index: "server_of_project|server_changed",
      sorts: true,
    },
  ];
  for (const one of cases) {
    test(one.name, async () => {
      const plan = await app.app.db`explain ${listServerStatement(app.app.db, one.page)}`;
      const text = plan.map((row) => String(row["QUERY PLAN"] ?? Object.values(row)[0])).join("\n");
      assert.match(text, new RegExp(one.index), text);
      // a pattern is looked for in the project's rows: how those are sorted is the planner's choice
      assert.doesNotMatch(text, "sorts" in one ? /Seq Scan/ : /Seq Scan|Sort/, text);
    });
  }

  test("a marker goes on where the page before ended, whatever the order", async () => {
    for (const sort of [
      [],
      [{ column: "name", descending: false }],
      [
        { column: "host", descending: true },
        { column: "name", descending: false },
      ],
      [{ column: "task_state", descending: true }],
      [
        { column: "observed_launched_at", descending: false },
        { column: "created_at", descending: true },
      ],
    ] as const) {
      const filter = { projectId: "project-1", equal: {}, matching: {} };
      const whole = await listServerStatement(app.app.db, { filter, sort: [...sort], marker: undefined, limit: 1000 });
      assert.equal(whole.length, 200);
      const paged: string[] = [];
      for (let marker: string | undefined; ;) {
        const rows = await listServerStatement(app.app.db, { filter, sort: [...sort], marker, limit: 30 });
        paged.push(...rows.map((row) => row.id));
        if (rows.length < 30) break;
        marker = rows.at(-1)?.id;
      }
      assert.deepEqual(
        paged,
        whole.map((row) => row.id),
      );
    }
  });
});
