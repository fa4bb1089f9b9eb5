import assert from "node:assert/strict";
import { test } from "node:test";

import { type Demand, type HostCapacity, type PlacedGroup, chooseHost, mayComeBack } from "./choose-host.ts";

const host = (name: string, over: Partial<HostCapacity> = {}): HostCapacity => ({
  name,
  availabilityZone: "nova",
  hypervisorHostname: `${name}.example`,
  disabled: false,
  up: true,
  lostAt: null,
  vcpus: 4,
  memoryMib: 8192,
  diskGib: 100,
  claimedVcpus: 0,
  claimedMemoryMib: 0,
  claimedDiskGib: 0,
  ...over,
});
const demand = (over: Partial<Demand> = {}): Demand => ({
  vcpus: 1,
  memoryMib: 1024,
  diskGib: 10,
  zone: null,
  host: null,
  notOn: [],
  onlyOn: null,
  group: null,
  ...over,
});

const group = (
  policy: PlacedGroup["policy"],
  members: { [host: string]: number },
  maxPerHost = 1,
): Partial<Demand> => ({
  group: { policy, maxPerHost, members: new Map(Object.entries(members)) },
});

const cases: {
  name: string;
  hosts: HostCapacity[];
  demand?: Partial<Demand>;
  tried?: string[];
  chosen: string | null;
}[] = [
  { name: "no hosts", hosts: [], chosen: null },
  {
    name: "affinity: where the others are, though another has more room",
    hosts: [host("a", { claimedMemoryMib: 4096 }), host("b")],
    demand: group("affinity", { a: 1 }),
    chosen: "a",
  },
  { name: "affinity: nobody is anywhere yet", hosts: [host("a")], demand: group("affinity", {}), chosen: "a" },
  { name: "affinity: no room there", hosts: [host("a")], demand: group("affinity", { gone: 1 }), chosen: null },
  { name: "anti-affinity", hosts: [host("a"), host("b")], demand: group("anti-affinity", { a: 1 }), chosen: "b" },
  {
    name: "anti-affinity: no host is free",
    hosts: [host("a")],
    demand: group("anti-affinity", { a: 1 }),
    chosen: null,
  },
  { name: "anti-affinity: two a host", hosts: [host("a")], demand: group("anti-affinity", { a: 1 }, 2), chosen: "a" },
  {
    name: "soft affinity comes before room",
    hosts: [host("a", { claimedMemoryMib: 4096 }), host("b")],
    demand: group("soft-affinity", { a: 1 }),
    chosen: "a",
  },
  {
    name: "soft affinity gives way to what fits",
    hosts: [host("a", { claimedMemoryMib: 8192 }), host("b")],
    demand: group("soft-affinity", { a: 1 }),
    chosen: "b",
  },
  {
    name: "soft anti-affinity: where fewest are",
    hosts: [host("a"), host("b", { claimedMemoryMib: 4096 })],
    demand: group("soft-anti-affinity", { a: 2, b: 1 }),
    chosen: "b",
  },
  { name: "the only one", hosts: [host("a")], chosen: "a" },
  { name: "the one with more memory left", hosts: [host("a", { claimedMemoryMib: 4096 }), host("b")], chosen: "b" },
  { name: "equal memory: fewer CPUs claimed", hosts: [host("a", { claimedVcpus: 3 }), host("b")], chosen: "b" },
  { name: "all equal: by name", hosts: [host("b"), host("a")], chosen: "a" },
  { name: "a disabled host is not used", hosts: [host("a", { disabled: true })], chosen: null },
  { name: "a silent host is not used", hosts: [host("a", { up: false })], chosen: null },
  {
    name: "zone",
    hosts: [host("a"), host("b", { availabilityZone: "paris", memoryMib: 2048 })],
    demand: { zone: "paris" },
    chosen: "b",
  },
  { name: "unknown zone", hosts: [host("a")], demand: { zone: "mars" }, chosen: null },
  { name: "host by name", hosts: [host("a"), host("b", { memoryMib: 2048 })], demand: { host: "b" }, chosen: "b" },
  {
    name: "host by hypervisor name",
    hosts: [host("a"), host("b", { memoryMib: 2048 })],
    demand: { host: "b.example" },
    chosen: "b",
  },
  { name: "memory is not oversold", hosts: [host("a", { claimedMemoryMib: 7169 })], chosen: null },
  { name: "memory to the last MiB", hosts: [host("a", { claimedMemoryMib: 7168 })], chosen: "a" },
  { name: "CPUs are shared sixteenfold", hosts: [host("a", { claimedVcpus: 63 })], chosen: "a" },
  { name: "and no more", hosts: [host("a", { claimedVcpus: 64 })], chosen: null },
  { name: "never more CPUs than there are", hosts: [host("a")], demand: { vcpus: 5 }, chosen: null },
  { name: "disk is not oversold", hosts: [host("a", { claimedDiskGib: 91 })], chosen: null },
  {
    name: "a lost claim is not tried again",
    hosts: [host("a"), host("b", { claimedMemoryMib: 1 })],
    tried: ["a"],
    chosen: "b",
  },
  {
    name: "different_host",
    hosts: [host("a"), host("b", { claimedMemoryMib: 1 })],
    demand: { notOn: ["a"] },
    chosen: "b",
  },
  { name: "same_host", hosts: [host("a"), host("b", { claimedMemoryMib: 1 })], demand: { onlyOn: ["b"] }, chosen: "b" },
  {
    name: "same_host, but it is full",
    hosts: [host("a"), host("b", { claimedMemoryMib: 8192 })],
    demand: { onlyOn: ["b"] },
    chosen: null,
  },
];

for (const { name, hosts, demand: wants, tried, chosen } of cases) {
  test(`chooseHost: ${name}`, () => {
    assert.equal(chooseHost(hosts, demand(wants), new Set(tried))?.name ?? null, chosen);
  });
}

test("a host that was lost a moment ago may come back; one that is full or long gone is not waited for", () => {
  const lost = { up: false, lostAt: new Date(1_000) };
  assert.equal(mayComeBack([host("a", lost)], demand(), 500), true);
  assert.equal(mayComeBack([host("a", lost)], demand(), 1_000), false);
  assert.equal(mayComeBack([host("a", { ...lost, claimedMemoryMib: 8192 })], demand(), 500), false);
  assert.equal(mayComeBack([host("a", { up: false })], demand(), 500), false);
  // one that answers was looked at already
  assert.equal(mayComeBack([host("a")], demand(), 500), false);
});
