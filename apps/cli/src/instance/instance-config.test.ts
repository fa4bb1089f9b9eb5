import assert from "node:assert/strict";
import { test } from "node:test";

import { type InstanceConfig, chooseSlot, externalNetwork, instanceUsers, merge } from "./instance-config.ts";
import { instancePaths } from "./paths.ts";

const present: InstanceConfig = {
  version: 1,
  instance: "one",
  region: "RegionOne",
  slot: 3,
  ports: { customer: 8443, operator: 8444, customerObjects: 8445, operatorObjects: 8446 },
  backend: "qemu",
  simulatedHosts: 1,
  simulatedDelayMs: 0,
  plainHttp: false,
  objectStore: true,
  createdAt: "2026-01-01T00:00:00.000Z",
};

test("the first slot is taken that neither an instance nor the machine uses", () => {
  assert.equal(chooseSlot(new Set(), []), 1);
  assert.equal(chooseSlot(new Set([1]), ["172.24.2.17", "10.0.0.1"]), 3);
  assert.equal(chooseSlot(new Set(), ["172.24.10.1", "172.24.1.0/24"]), 2);
  assert.throws(() => chooseSlot(new Set(Array.from({ length: 254 }, (_, index) => index + 1)), []), /no free network/);
});

test("a later up keeps what was chosen, and refuses what contradicts it", () => {
  assert.deepEqual(merge(present, {}), present);
  assert.equal(merge(present, { plainHttp: true }).plainHttp, true);
  assert.throws(() => merge(present, { simulated: true }), /made for real guests/);
  assert.throws(() => merge(present, { databaseUrl: "postgres://elsewhere" }), /PostgreSQL of its own/);
  assert.throws(() => merge(present, { objectStore: false }), /has an object store/);
  assert.equal(merge({ ...present, objectStore: false }, {}).objectStore, false);
  const settings = { identity: { lockoutFailures: 3 } };
  assert.deepEqual(merge(merge(present, { settings }), {}).settings, settings);
  assert.deepEqual(merge({ ...present, settings }, { settings: {} }).settings, {});
  const inBucket = { ...present, settings: { backupStore: { driver: "objects" } } } as const;
  assert.throws(() => merge(inBucket, { settings: {} }), /backups of volumes .* are in a bucket; .* "backupStore"/);
  assert.equal(merge(inBucket, {}).settings, inBucket.settings);
  const simulated: InstanceConfig = { ...present, backend: "simulated", simulatedHosts: 5 };
  assert.deepEqual(merge(simulated, { hosts: 8, delayMs: 3 }), {
    ...simulated,
    simulatedHosts: 8,
    simulatedDelayMs: 3,
  });
  assert.throws(() => merge(simulated, { hosts: 4 }), /not taken away/);
});

test("no two users, and no two instances, share an id", () => {
  const [one, two] = [instanceUsers(1), instanceUsers(2)];
  assert.equal(new Set([one.controlPlane, one.postgres, one.ovn, one.guest].map(({ uid }) => uid)).size, 4);
  assert.ok(one.guest.uid < one.guests.first);
  assert.equal(one.guests.first + one.guests.count, two.controlPlane.uid);
  assert.ok(instanceUsers(254).guests.first + instanceUsers(254).guests.count < 2 ** 31);
  assert.equal(one.ovn.gid, one.controlPlane.gid);
});

test("the external network of a slot", () => {
  assert.deepEqual(externalNetwork(7), {
    name: "public",
    cidr: "172.24.7.0/24",
    gateway: "172.24.7.1",
    allocationStart: "172.24.7.10",
    allocationEnd: "172.24.7.250",
    physicalNetwork: "physnet1",
  });
});

test("names and data directories that cannot work are refused", () => {
  for (const name of ["", "A", "1a", "a--b", "a_b", "../x", "engines", "built-images", "a".repeat(21)]) {
    assert.throws(() => instancePaths("/data", name), /--instance/, name);
  }
  assert.equal(instancePaths("/data", "cloud-watt2").directory, "/data/cloud-watt2");
  assert.throws(() => instancePaths(`/${"d".repeat(80)}`, "one"), /--data/);
});
