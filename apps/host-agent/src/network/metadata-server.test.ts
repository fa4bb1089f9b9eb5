import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { haproxyConfig } from "./metadata-proxy.ts";
import { lookUp } from "./metadata-server.ts";

const metadata = {
  files: {
    "openstack/latest/meta_data.json": "{}",
    "openstack/2018-08-27/meta_data.json": "{}",
    "latest/meta-data/hostname": "web",
    "latest/meta-data/placement/availability-zone": "nova",
    "latest/meta-data/public-keys": "0=mykey",
    "latest/meta-data/public-keys/0/openssh-key": "ssh-ed25519 AAAA",
    "latest/user-data": "#!/bin/sh",
    "2009-04-04/meta-data/hostname": "web",
    "ec2/latest/meta-data.json": "{}",
  },
  binaryFiles: { "openstack/latest/user_data": Buffer.from([0x1f, 0x8b]).toString("base64") },
};
const text = (path: string): string | null => lookUp(metadata, path)?.bytes.toString() ?? null;

describe("metadata paths", () => {
  test("the root lists the EC2 versions, openstack/ its own, bare", () => {
    assert.equal(text("/"), "2009-04-04\nlatest");
    assert.equal(text(""), "2009-04-04\nlatest");
    assert.equal(text("/openstack"), "2018-08-27\nlatest");
    assert.equal(text("/openstack/"), "2018-08-27\nlatest");
    assert.equal(text("/openstack/latest"), "meta_data.json\nuser_data");
  });
  test("directories below have a slash; a listing may be given", () => {
    assert.equal(text("/latest/"), "meta-data/\nuser-data");
    assert.equal(text("/latest/meta-data"), "hostname\nplacement/\npublic-keys/");
    assert.equal(text("/latest/meta-data/public-keys/"), "0=mykey");
    assert.equal(text("/latest/meta-data/public-keys/0"), "openssh-key");
  });
  test("files, with or without what clients add", () => {
    assert.equal(text("/latest/meta-data/hostname"), "web");
    assert.equal(text("//latest//user-data?x=1"), "#!/bin/sh");
    assert.equal(lookUp(metadata, "/openstack/latest/meta_data.json")?.type, "application/json");
    assert.deepEqual(lookUp(metadata, "/openstack/latest/user_data")?.bytes, Buffer.from([0x1f, 0x8b]));
  });
  test("what is not there is not there", () => {
    for (const path of [
      "/x",
      "/latest/meta",
      "/openstack/latest/../../x",
      "/ec2",
      "/ec2/latest/meta-data.json",
      "/%E0%A4%A",
      "/constructor",
      "/latest/__proto__",
    ]) {
      assert.equal(text(path), null, path);
    }
    assert.equal(lookUp({ files: {} }, "/")?.bytes.toString(), "");
  });
});

test("haproxy says who asks, whatever the guest says", () => {
  const config = haproxyConfig("net-1");
  assert.match(config, /^ {2}http-request set-header X-Forwarded-For %\[src\]$/m);
  assert.match(config, /^ {2}http-request set-header X-OVN-Network-ID net-1$/m);
  assert.match(config, /^ {2}bind 169\.254\.169\.254:80$/m);
  assert.match(config, /^ {2}server agent unix@\/metadata\/proxy\.sock$/m);
  assert.ok(config.endsWith("\n"));
});
