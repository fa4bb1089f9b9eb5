import assert from "node:assert/strict";
import { test } from "node:test";

import { floatingIpRow } from "./floating-ip.ovn.ts";

const floatingIp = {
  id: "f",
  routerId: "r",
  floatingIpAddress: "192.0.2.20",
  fixedIpAddress: "10.0.0.5",
  portId: "p",
  distributedMac: null,
};

test("a floating IP is translated both ways, on the gateway's host unless it has a MAC address of its own", () => {
  const row = {
    type: "dnat_and_snat",
    external_ip: "192.0.2.20",
    logical_ip: "10.0.0.5",
    logical_port: "p",
    external_mac: null,
    options: { stateless: "false" },
    external_ids: { "andromede:id": "f", "andromede:class": "floatingip", "andromede:router": "r" },
  };
  assert.deepEqual(floatingIpRow(floatingIp), row);
  assert.deepEqual(floatingIpRow({ ...floatingIp, distributedMac: "fa:16:3e:00:00:01" }), {
    ...row,
    external_mac: "fa:16:3e:00:00:01",
  });
});
