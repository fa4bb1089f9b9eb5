import assert from "node:assert/strict";
import { test } from "node:test";

import { aggregateSpecsOf, meetsRequirement, meetsSpecs } from "./aggregate.model.ts";

const cases: [value: string, requirement: string, meets: boolean][] = [
  ["ssd", "ssd", true],
  ["ssd", "hdd", false],
  ["10", "= 5", true],
  ["4", "= 5", false],
  ["5", "== 5", true],
  ["6", "!= 5", true],
  ["6", ">= 7", false],
  ["6", "<= 7", true],
  ["abc", "s== abc", true],
  ["abc", "s!= abc", false],
  ["abc", "s< abd", true],
  ["abc", "s>= abd", false],
  ["12311321", "<in> 11", true],
  ["12311321", "<in> 99", false],
  ["aes mmx sse", "<all-in> aes mmx", true],
  ["aes sse", "<all-in> aes mmx", false],
  ["ssd", "<or> hdd <or> ssd", true],
  ["nvme", "<or> hdd <or> ssd", false],
];
for (const [value, requirement, meets] of cases) {
  test(`${value} ${meets ? "meets" : "does not meet"} ${requirement}`, () =>
    assert.equal(meetsRequirement(value, requirement), meets));
}

test("only keys of the scope ask for something", () => {
  const specs = { "aggregate_instance_extra_specs:disk": "ssd", "hw:cpu_policy": "shared" };
  assert.deepEqual(aggregateSpecsOf(specs), [["disk", "ssd"]]);
});

test("each key is met by some aggregate of the host; a value may be a list", () => {
  const specs: [string, string][] = [
    ["disk", "ssd"],
    ["net", "fast"],
  ];
  assert.equal(meetsSpecs([{ disk: "hdd, ssd" }, { net: "fast" }], specs), true);
  assert.equal(meetsSpecs([{ disk: "ssd" }], specs), false);
  assert.equal(meetsSpecs([], specs), false);
});
