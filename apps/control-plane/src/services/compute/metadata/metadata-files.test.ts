import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import type { ServerInterface } from "../../network/public.ts";
import type { Server, ServerId } from "../servers/server.model.ts";
import { toMetadataFiles } from "./metadata-files.ts";
import { toNetworkData } from "./network-data.ts";

const at = new Date("2026-11-21T10:00:00Z");
const server: Server = {
  id: "6b0e0b9e-0000-4000-8000-000000000001" as ServerId,
  number: 42,
  projectId: "p",
  userId: "u",
  name: "Web 1",
  hostname: "web-1",
  description: null,
  flavorId: "f",
  flavor: { name: "tiny", vcpus: 1, ramMib: 64, diskGib: 1, ephemeralGib: 0, swapMib: 0, extraSpecs: {} },
  imageId: "i",
  image: { sha512: "00", format: "qcow2", sizeBytes: 1 },
  keyName: "me",
  keyType: "ssh",
  publicKey: "ssh-ed25519 AAAA",
  accessIpV4: null,
  accessIpV6: null,
  configDrive: false,
  diskConfig: "MANUAL",
  userData: Buffer.from("#cloud-config\n").toString("base64"),
  metadata: {},
  tags: [],
  seed: "00",
  wantedZone: null,
  wantedHost: null,
  schedulerHints: {},
  reservationId: "r-1",
  launchIndex: 0,
  lockedBy: null,
  lockedReason: null,
  createdAt: at,
  updatedAt: at,
  powerNonce: "n",
  taskSince: at,
  availabilityZone: "paris",
  faultCode: null,
  faultAt: null,
  observedAt: null,
  power: "running",
  generation: 1,
  powerGeneration: 1,
  rebootKind: null,
  rebootNonce: null,
  deleting: false,
  host: "host1",
  faultMessage: null,
  observedGeneration: null,
  observedState: null,
  observedConverged: false,
  observedSpontaneous: false,
  observedRebootNonce: null,
  observedFault: null,
  task: null,
  taskStep: null,
  taskVmState: null,
  mode: "ordinary",
  modeSince: null,
  otherFlavorId: null,
  otherFlavor: null,
  otherHost: null,
  otherDiskImage: null,
  rootGib: 0,
  diskNonce: null,
  ephemeralNonce: null,
  diskImage: null,
  rescue: null,
  shelvedImageId: null,
  reimageId: null,
  observedGone: false,
  observedDisks: [],
  observedNeedsKeys: false,
  observedLaunchedAt: null,
};
const v4 = {
  id: "s4",
  cidr: "10.0.0.0/24",
  version: 4 as const,
  gatewayIp: "10.0.0.1",
  dnsNameservers: ["9.9.9.9"],
  hostRoutes: [{ destination: "192.168.0.0/16", nexthop: "10.0.0.9" }],
  enableDhcp: true,
  ipv6RaMode: null,
  ipv6AddressMode: null,
};
const v6 = {
  ...v4,
  id: "s6",
  cidr: "fd00::/64",
  version: 6 as const,
  gatewayIp: "fd00::1",
  dnsNameservers: [],
  hostRoutes: [],
};
const nic = (addresses: ServerInterface["addresses"], tag: string | null = null): ServerInterface => ({
  id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  networkId: "n",
  networkName: "blue",
  macAddress: "fa:16:3e:00:00:01",
  status: "ACTIVE",
  fixedIps: [],
  tag,
  mtu: 1442,
  addresses,
  metadataPort: null,
});

test("each version of OpenStack's layout has what it had, and not more", () => {
  const { files } = toMetadataFiles(server, [nic([], "front")], null);
  const read = (version: string) => JSON.parse(files[`openstack/${version}/meta_data.json`] ?? "null");
  assert.equal(read("2012-08-10").random_seed, undefined);
  assert.deepEqual(read("2012-08-10").public_keys, { me: "ssh-ed25519 AAAA" });
  assert.equal(read("2013-04-04").keys, undefined);
  assert.deepEqual(read("2013-10-17").keys, [{ type: "ssh", name: "me", data: "ssh-ed25519 AAAA" }]);
  assert.equal(read("2015-10-15").project_id, "p");
  assert.equal(read("2018-08-27").dedicated_cpus, undefined);
  assert.deepEqual(read("2020-10-14").dedicated_cpus, []);
  assert.deepEqual(read("latest").devices[0].tags, ["front"]);
  assert.equal(read("latest").availability_zone, "paris");
  assert.equal(read("latest").admin_pass, undefined);
  assert.equal(files["openstack/2012-08-10/vendor_data.json"], undefined);
  assert.equal(files["openstack/2013-10-17/network_data.json"], undefined);
  assert.equal(files["openstack/latest/vendor_data2.json"], "{}");
  assert.equal(files["openstack/latest/user_data"], "#cloud-config\n");
  for (const version of ["2009-04-04", "latest"]) {
    assert.equal(files[`${version}/meta-data/instance-id`], "i-0000002a");
    assert.equal(files[`${version}/meta-data/public-keys`], "0=me");
    assert.equal(files[`${version}/meta-data/public-keys/0/openssh-key`], "ssh-ed25519 AAAA");
    assert.equal(files[`${version}/user-data`], "#cloud-config\n");
  }
});

test("the same server is the same files, and another server other random bytes", () => {
  assert.deepEqual(toMetadataFiles(server, [], null), toMetadataFiles(server, [], null));
  const seed = (of: Server) =>
    JSON.parse(toMetadataFiles(of, [], null).files["openstack/latest/meta_data.json"] ?? "{}").random_seed;
  assert.notEqual(seed(server), seed({ ...server, seed: "01" }));
});

test("a server without key or user data has no such file", () => {
  const { files } = toMetadataFiles(
    { ...server, keyName: null, publicKey: null, keyType: null, userData: null },
    [],
    null,
  );
  assert.ok(!Object.keys(files).some((path) => path.includes("user") || path.includes("public-keys")));
});

test("user data that is not text reaches the guest byte for byte", () => {
  for (const bytes of [gzipSync("#!/bin/sh\n"), Buffer.from([0xff, 0x00, 0x0a])]) {
    const { files, binaryFiles = {} } = toMetadataFiles({ ...server, userData: bytes.toString("base64") }, [], null);
    for (const path of ["openstack/2012-08-10/user_data", "openstack/latest/user_data", "latest/user-data"]) {
      assert.equal(files[path], undefined);
      assert.deepEqual(Buffer.from(binaryFiles[path] ?? "", "base64"), bytes);
    }
  }
  // what looks like a mark of the encoding is the customer's too
  const marked = Buffer.from("\ufeff#!/bin/sh\nécho\n");
  const { files } = toMetadataFiles({ ...server, userData: marked.toString("base64") }, [], null);
  assert.deepEqual(Buffer.from(files["openstack/latest/user_data"] ?? ""), marked);
});

const cases: {
  name: string;
  subnet: Partial<ServerInterface["addresses"][number]["subnet"]>;
  version: 4 | 6;
  expected: object;
}[] = [
  { name: "DHCP", subnet: {}, version: 4, expected: { type: "ipv4_dhcp" } },
  {
    name: "static v4",
    subnet: { enableDhcp: false },
    version: 4,
    expected: {
      type: "ipv4",
      ip_address: "10.0.0.5",
      netmask: "255.255.255.0",
      routes: [
        { network: "0.0.0.0", netmask: "0.0.0.0", gateway: "10.0.0.1" },
        { network: "192.168.0.0", netmask: "255.255.0.0", gateway: "10.0.0.9" },
      ],
    },
  },
  {
    name: "a prefix inside a byte",
    subnet: { enableDhcp: false, cidr: "10.0.0.0/22", gatewayIp: null, hostRoutes: [] },
    version: 4,
    expected: { netmask: "255.255.252.0", routes: [] },
  },
  {
    name: "SLAAC",
    subnet: { ipv6AddressMode: "slaac" },
    version: 6,
    expected: { type: "ipv6_slaac", netmask: "ffff:ffff:ffff:ffff::" },
  },
  {
    name: "stateful",
    subnet: { ipv6AddressMode: "dhcpv6-stateful" },
    version: 6,
    expected: { type: "ipv6_dhcpv6-stateful" },
  },
  {
    name: "static v6",
    subnet: { enableDhcp: false, cidr: "fd00::/60" },
    version: 6,
    expected: { type: "ipv6", netmask: "ffff:ffff:ffff:fff0::" },
  },
];
for (const { name, subnet, version, expected } of cases) {
  test(`network_data: ${name}`, () => {
    const base = version === 4 ? v4 : v6;
    const data = toNetworkData([
      nic([{ address: version === 4 ? "10.0.0.5" : "fd00::5", subnet: { ...base, ...subnet } }]),
    ]);
    const [network] = data.networks;
    assert.deepEqual({ ...network, ...expected }, network);
    assert.deepEqual(data.links[0], {
      id: "tapaaaaaaaa-bb",
      vif_id: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
      type: "ovs",
      mtu: 1442,
      ethernet_mac_address: "fa:16:3e:00:00:01",
    });
  });
}
