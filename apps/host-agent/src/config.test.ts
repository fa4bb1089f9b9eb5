import assert from "node:assert/strict";
import { test } from "node:test";

import { CloudError } from "@andromede/base/errors";

import { parseConfig } from "./config.ts";

const qemu = {
  instance: "andromede",
  host: "host1",
  backend: "qemu",
  dataDir: "/d/hosts/host1",
  socketPath: "/d/run/host1/agent.sock",
  metadataSocketPath: "/d/run/host1/metadata.sock",
  engineRoot: "/e",
  networkNamespace: "andromede-host1",
  ovsdbSocket: "/d/run/host1/ovs/db.sock",
  integrationBridge: "br-int",
  datapath: "netdev",
  accelerator: "tcg",
  acceleratorReason: "no /dev/kvm",
  guestUser: { uid: 64_055, gid: 64_055 },
  controlPlaneGid: 900,
  logLevel: "info",
};
const simulated = {
  instance: "andromede",
  host: "host1",
  backend: "simulated",
  dataDir: "/d/hosts",
  simulated: {
    hosts: [{ name: "sim1", socketPath: "/d/run/sim1/agent.sock" }],
    delaysMs: { launch: [10, 20] },
    vcpus: 8,
    memoryMib: 16_384,
    diskGib: 100,
  },
};
const parse = (config: unknown): unknown => parseConfig(JSON.stringify(config), "host-agent.json");
const refused = (config: unknown, message: RegExp): void =>
  assert.throws(
    () => parse(config),
    (error) => error instanceof CloudError && error.kind === "invalid" && message.test(error.message),
  );

test("a real host and a simulated one", () => {
  assert.deepEqual(parse(qemu), qemu);
  assert.deepEqual(parse(simulated), simulated);
  assert.deepEqual(parse({ ...qemu, networkNamespace: null }), { ...qemu, networkNamespace: null });
});

test("backups are kept in files or in a bucket", () => {
  const place = { endpoint: "https://s3.test:8443", region: "r", bucket: "b", accessKey: "a", secretKeyFile: "/s" };
  for (const backupStore of [
    { driver: "files", directory: "/d/backups" },
    { driver: "s3", ...place },
    { driver: "s3", ...place, caFile: "/ca.crt", directory: "/d/backups" },
  ])
    assert.deepEqual(parse({ ...qemu, backupStore }), { ...qemu, backupStore });
  refused({ ...qemu, backupStore: { driver: "files", ...place } }, /backupStore/);
  refused({ ...qemu, backupStore: { driver: "s3", ...place, bucket: undefined } }, /bucket/);
  refused({ ...qemu, backupStore: { driver: "s3", ...place, endpoint: "s3.test" } }, /endpoint/);
});

test("what is missing, wrong or unknown is named", () => {
  const { engineRoot: _gone, ...rest } = qemu;
  refused(rest, /engineRoot/);
  refused({ ...qemu, datapath: "dpdk" }, /datapath/);
  refused({ ...qemu, guestUser: { uid: 0, gid: 0 } }, /guestUser\/uid/);
  refused({ ...qemu, surprise: 1 }, /additional/);
  refused({ ...simulated, simulated: undefined }, /simulated/);
  refused({ ...simulated, simulated: { ...simulated.simulated, hosts: [] } }, /hosts/);
  assert.throws(() => parseConfig("{", "host-agent.json"), /not valid JSON/);
});
