import assert from "node:assert/strict";
import { test } from "node:test";

import { FLAVORS } from "./scs-flavors.ts";

test("the mandatory flavors of SCS-0103 are all there, as their names say", () => {
  const mandatory = [
    "SCS-1V-4",
    "SCS-2V-8",
    "SCS-4V-16",
    "SCS-4V-16-100s",
    "SCS-8V-32",
    "SCS-1V-2",
    "SCS-2V-4",
    "SCS-2V-4-20s",
    "SCS-4V-8",
    "SCS-8V-16",
    "SCS-16V-32",
    "SCS-1V-8",
    "SCS-2V-16",
    "SCS-4V-32",
    "SCS-1L-1",
  ];
  const names = FLAVORS.map(({ flavor }) => flavor.name);
  assert.deepEqual(
    mandatory.filter((name) => !names.includes(name)),
    [],
  );
  assert.equal(new Set(names).size, names.length);
});

test("a flavor is what its name says", () => {
  const found = FLAVORS.find(({ flavor }) => flavor.name === "SCS-4V-16-100s");
  assert.deepEqual(found, {
    flavor: { name: "SCS-4V-16-100s", vcpus: 4, ram: 16_384, disk: 100 },
    extraSpecs: {
      "scs:name-v1": "SCS-4V:16:100s",
      "scs:name-v2": "SCS-4V-16-100s",
      "scs:cpu-type": "shared-core",
      "scs:disk0-type": "ssd",
    },
  });
  assert.deepEqual(
    FLAVORS.find(({ flavor }) => flavor.name === "SCS-1L-1")?.extraSpecs["scs:cpu-type"],
    "crowded-core",
  );
});
