import assert from "node:assert/strict";
import { test } from "node:test";

import { type OvnPort, dnsRecords, portRow } from "./port.ovn.ts";

const port = (over: Partial<OvnPort> = {}): OvnPort => ({
  id: "p",
  networkId: "n",
  name: "",
  kind: "guest",
  macAddress: "FA:16:3E:00:00:01",
  fixedIps: [
    { subnetId: "s4", ipAddress: "10.0.0.5" },
    { subnetId: "s6", ipAddress: "fd00::5" },
  ],
  adminStateUp: true,
  portSecurityEnabled: true,
  allowedAddressPairs: [],
  securityGroupIds: ["g2", "g1", "g2"],
  host: "host1",
  extraDhcpOptions: [],
  dns: null,
  qos: [],
  ...over,
});

test("a guest's port", () => {
  assert.deepEqual(portRow(port({ name: "web" })), {
    name: "p",
    type: "",
    addresses: ["fa:16:3e:00:00:01 10.0.0.5 fd00::5"],
    port_security: ["fa:16:3e:00:00:01 10.0.0.5 fd00::5"],
    enabled: true,
    parent_name: null,
    tag: null,
    options: { "requested-chassis": "host1" },
    external_ids: {
      "andromede:id": "p",
      "andromede:class": "port",
      "andromede:network": "n",
      "andromede:name": "web",
      "andromede:subnets": "s4 s6",
      "andromede:groups": "g1 g2",
    },
  });
});

test("allowed pairs: of its own MAC beside its addresses, of others as entries of their own", () => {
  const row = portRow(
    port({
      allowedAddressPairs: [
        { macAddress: "fa:16:3e:00:00:01", ipAddress: "10.0.0.0/28" },
        { macAddress: "00:00:5e:00:01:01", ipAddress: "10.0.0.7" },
        { macAddress: "00:00:5E:00:01:01", ipAddress: "10.0.0.8" },
      ],
    }),
  );
  assert.deepEqual(row.addresses, ["fa:16:3e:00:00:01 10.0.0.5 fd00::5", "00:00:5e:00:01:01"]);
  assert.deepEqual(row.port_security, [
    "fa:16:3e:00:00:01 10.0.0.5 fd00::5 10.0.0.0/28",
    "00:00:5e:00:01:01 10.0.0.7 10.0.0.8",
  ]);
});

test("without port security anything may come from it and unknown addresses go to it", () => {
  const row = portRow(port({ portSecurityEnabled: false, host: null, adminStateUp: false }));
  assert.deepEqual(
    [row.addresses, row.port_security, row.options, row.enabled],
    [["fa:16:3e:00:00:01 10.0.0.5 fd00::5", "unknown"], [], {}, false],
  );
});

test("a metadata port is on every host, in no group, and trusted", () => {
  const row = portRow(port({ kind: "metadata" }));
  assert.deepEqual(
    [row.type, row.port_security, row.options, row.external_ids["andromede:groups"]],
    ["localport", [], {}, undefined],
  );
});

test("a port without addresses is known by its MAC alone", () => {
  const row = portRow(port({ fixedIps: [] }));
  assert.deepEqual([row.addresses, row.external_ids["andromede:subnets"]], [["fa:16:3e:00:00:01"], undefined]);
});

test("names: short, whole and reverse, in lower case", () => {
  assert.deepEqual(
    dnsRecords(
      port({ fixedIps: [{ subnetId: "s", ipAddress: "10.0.0.5" }], dns: { hostname: "Web", domain: "Example.org." } }),
    ),
    {
      web: "10.0.0.5",
      "web.example.org": "10.0.0.5",
      "5.0.0.10.in-addr.arpa": "web.example.org",
    },
  );
  assert.equal(dnsRecords(port({ dns: { hostname: "web", domain: null } }))?.["web"], "10.0.0.5 fd00::5");
  assert.equal(dnsRecords(port()), null);
  assert.equal(dnsRecords(port({ fixedIps: [], dns: { hostname: "web", domain: null } })), null);
});
