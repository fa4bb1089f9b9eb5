import assert from "node:assert/strict";
import { test } from "node:test";

import { type ColumnType, applyDifference, decode, defaultValue, encode, parseSchema, sameValue } from "./values.ts";

const schema = parseSchema({
  version: "1",
  tables: {
    T: {
      columns: {
        one: { type: "string" },
        maybe: { type: { key: "integer", min: 0 } },
        set: { type: { key: { type: "uuid", refTable: "T" }, min: 0, max: "unlimited" } },
        map: { type: { key: "string", value: "string", min: 0, max: "unlimited" } },
        queues: { type: { key: "integer", value: { type: "uuid" }, min: 0, max: "unlimited" } },
      },
    },
  },
});
const column = (name: string): ColumnType => {
  const type = schema.tables.get("T")?.get(name);
  assert.ok(type);
  return type;
};

test("values go to the wire and come back", () => {
  const cases: [string, unknown, unknown][] = [
    ["one", "x", "x"],
    ["maybe", null, ["set", []]],
    ["maybe", 5, 5],
    [
      "set",
      ["b", "a"],
      [
        "set",
        [
          ["uuid", "b"],
          ["uuid", "a"],
        ],
      ],
    ],
    ["map", { k: "v" }, ["map", [["k", "v"]]]],
    ["queues", { 7: "a" }, ["map", [[7, ["uuid", "a"]]]]],
  ];
  for (const [name, value, wire] of cases) {
    assert.deepEqual(encode(column(name), value), wire);
    assert.ok(sameValue(decode(column(name), wire), value), name);
  }
  assert.deepEqual(decode(column("set"), ["uuid", "a"]), ["a"]);
  assert.deepEqual(encode(column("set"), [{ named: "row" }]), ["set", [["named-uuid", "row"]]]);
  assert.deepEqual(encode(column("map"), ["k"]), ["set", ["k"]]);
});

test("what does not fit a column is refused before it is sent", () => {
  for (const [name, value] of [
    ["one", 1],
    ["one", null],
    ["maybe", 1.5],
    ["maybe", "x"],
    ["map", "x"],
    ["map", { named: "x" }],
    ["set", [1]],
  ] as const) {
    assert.throws(() => encode(column(name), value), { name: "OvsdbError" }, `${name} ${JSON.stringify(value)}`);
  }
});

test("columns nobody wrote have their defaults", () => {
  assert.deepEqual(
    ["one", "maybe", "set", "map"].map((name) => defaultValue(column(name))),
    ["", null, [], {}],
  );
});

test("differences: single values replace, elements toggle, pairs come, change and go", () => {
  assert.equal(applyDifference(column("one"), "a", "b"), "b");
  assert.equal(applyDifference(column("maybe"), 1, ["set", []]), null);
  assert.deepEqual(
    applyDifference(
      column("set"),
      ["a", "b"],
      [
        "set",
        [
          ["uuid", "b"],
          ["uuid", "c"],
        ],
      ],
    ),
    ["a", "c"],
  );
  assert.deepEqual(
    applyDifference(column("map"), { same: "1", gone: "2", changed: "3" }, [
      "map",
      [
        ["gone", "2"],
        ["changed", "4"],
        ["new", "5"],
      ],
    ]),
    { same: "1", changed: "4", new: "5" },
  );
});

test("sameValue ignores order, not content", () => {
  assert.ok(sameValue(["a", "b"], ["b", "a"]));
  assert.ok(!sameValue(["a", "b"], ["a", "c"]));
  assert.ok(sameValue({ a: "1", b: "2" }, { b: "2", a: "1" }));
  assert.ok(!sameValue({ a: "1" }, { b: "1" }));
  assert.ok(!sameValue({ a: "1" }, { a: "2" }));
  assert.ok(!sameValue(null, ""));
});
