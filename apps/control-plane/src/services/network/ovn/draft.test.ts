import assert from "node:assert/strict";
import { test } from "node:test";

import type { Uuid } from "@andromede/ovsdb/types";

import { createDraft } from "./draft.ts";
import type { Row } from "./northbound.ts";

const uuid = (text: string): Uuid => text as Uuid;
const existing: Row<"Logical_Switch"> = {
  _uuid: uuid("switch"),
  name: "s",
  ports: [uuid("p1"), uuid("p2")],
  external_ids: { a: "1" },
  other_config: {},
  dns_records: [],
  qos_rules: [],
  load_balancer: [],
};

test("a row that is as wanted costs nothing", () => {
  const draft = createDraft();
  const ref = draft.row("Logical_Switch", existing, { name: "s", external_ids: { a: "1" } });
  draft.members("Logical_Switch", { ref, row: existing }, "ports", { add: [uuid("p2")], remove: [uuid("p3")] });
  draft.assumeNone("Logical_Switch", ["name", "==", "other"]);
  assert.equal(ref, "switch");
  assert.deepEqual(draft.operations, []);
});

test("only what differs is written, once guarded", () => {
  const draft = createDraft();
  const ref = draft.row("Logical_Switch", existing, { name: "s", external_ids: { a: "2" } });
  draft.members("Logical_Switch", { ref, row: existing }, "ports", { add: [uuid("p3")], remove: [uuid("p1")] });
  const where = [["_uuid", "==", "switch"]];
  assert.deepEqual(draft.operations, [
    { op: "wait", table: "Logical_Switch", where, columns: ["_uuid"], until: "==", rows: [{ _uuid: "switch" }] },
    { op: "update", table: "Logical_Switch", where, row: { external_ids: { a: "2" } } },
    {
      op: "mutate",
      table: "Logical_Switch",
      where,
      mutations: [
        ["ports", "delete", ["p1"]],
        ["ports", "insert", ["p3"]],
      ],
    },
  ]);
});

test("a new row is guarded against a twin, and its children hang on its name", () => {
  const draft = createDraft();
  const ref = draft.row("Logical_Switch", undefined, { name: "s" }, ["name", "==", "s"]);
  const port = draft.row("Logical_Switch_Port", undefined, { name: "p" });
  draft.members("Logical_Switch", { ref, row: undefined }, "ports", { add: [port] });
  assert.deepEqual(draft.operations, [
    { op: "wait", table: "Logical_Switch", where: [["name", "==", "s"]], columns: ["_uuid"], until: "==", rows: [] },
    { op: "insert", table: "Logical_Switch", uuidName: "row1", row: { name: "s" } },
    { op: "insert", table: "Logical_Switch_Port", uuidName: "row2", row: { name: "p" } },
    {
      op: "mutate",
      table: "Logical_Switch",
      where: [["_uuid", "==", { named: "row1" }]],
      mutations: [["ports", "insert", [{ named: "row2" }]]],
    },
  ]);
});
