import assert from "node:assert/strict";
import { test } from "node:test";

import { gatewayRow, interfaceRow, peerRow } from "./router-port.ovn.ts";
import { type OvnRouter, routeRows, routerRow, snatRows } from "./router.ovn.ts";

const gateway: NonNullable<OvnRouter["gateway"]> = {
  portId: "g",
  networkId: "ext",
  macAddress: "FA:16:3E:00:00:09",
  addresses: [
    { ipAddress: "2001:db8::9", prefixLength: 64 },
    { ipAddress: "192.0.2.9", prefixLength: 24 },
  ],
  mtu: 1442,
  chassis: ["host1"],
  gatewayIps: ["192.0.2.1", "2001:db8::1"],
  enableSnat: true,
  internalCidrs: ["10.0.0.0/24", "10.0.0.0/24", "fd00::/64", "10.1.0.0/24"],
};
const router = (over: Partial<OvnRouter> = {}): OvnRouter => ({
  id: "r",
  name: "edge",
  adminStateUp: false,
  routes: [],
  gateway,
  ...over,
});
const routes = (given: OvnRouter): string[] =>
  routeRows(given).map((route) => `${route.ip_prefix} via ${route.nexthop}`);

test("the router's own row", () => {
  assert.deepEqual(routerRow(router()), {
    name: "andromede-r",
    enabled: false,
    options: { always_learn_from_arp_request: "false", dynamic_neigh_routers: "true" },
    external_ids: { "andromede:id": "r", "andromede:class": "router", "andromede:name": "edge" },
  });
});

test("default routes by each family's gateway, the customer's after them, none twice", () => {
  const extra = [
    { destination: "10.9.1.1/16", nexthop: "10.0.0.9" },
    { destination: "10.9.0.0/16", nexthop: "10.0.0.9" },
  ];
  assert.deepEqual(routes(router({ routes: extra })), [
    "0.0.0.0/0 via 192.0.2.1",
    "::/0 via 2001:db8::1",
    "10.9.0.0/16 via 10.0.0.9",
  ]);
  assert.deepEqual(routes(router({ gateway: null, routes: extra })), ["10.9.0.0/16 via 10.0.0.9"]);
});

test("source NAT: IPv4 subnets behind the IPv4 address of the gateway, if wanted", () => {
  const nats = (given: OvnRouter): string[] =>
    snatRows(given).map((nat) => `${nat.type} ${nat.logical_ip} as ${nat.external_ip}`);
  assert.deepEqual(nats(router()), ["snat 10.0.0.0/24 as 192.0.2.9", "snat 10.1.0.0/24 as 192.0.2.9"]);
  assert.deepEqual(nats(router({ gateway: { ...gateway, enableSnat: false } })), []);
  assert.deepEqual(nats(router({ gateway: { ...gateway, addresses: gateway.addresses.slice(0, 1) } })), []);
  assert.deepEqual(nats(router({ gateway: null })), []);
});

test("the gateway's port and its peer", () => {
  assert.deepEqual(gatewayRow("r", gateway), {
    name: "lrp-g",
    mac: "fa:16:3e:00:00:09",
    networks: ["2001:db8::9/64", "192.0.2.9/24"],
    enabled: true,
    options: { gateway_mtu: "1442" },
    ipv6_ra_configs: {},
    external_ids: {
      "andromede:id": "g",
      "andromede:class": "router_port",
      "andromede:router": "r",
      "andromede:gateway": "true",
    },
  });
  assert.deepEqual(peerRow("r", gateway, true), {
    name: "g",
    type: "router",
    addresses: ["router"],
    port_security: [],
    enabled: true,
    options: { "router-port": "lrp-g", "nat-addresses": "router", "exclude-lb-vips-from-garp": "true" },
    external_ids: {
      "andromede:id": "g",
      "andromede:class": "router_port",
      "andromede:network": "ext",
      "andromede:router": "r",
    },
  });
});

test("an interface: router advertisements where a subnet has an address mode, centralised on a physical network", () => {
  const leg = {
    routerId: "r",
    portId: "i",
    networkId: "n",
    macAddress: "fa:16:3e:00:00:07",
    addresses: [{ ipAddress: "fd00::1", prefixLength: 64 }],
    adminStateUp: true,
  } as const;
  const plain = interfaceRow({ ...leg, ipv6: null, physical: false });
  assert.deepEqual([plain.ipv6_ra_configs, plain.options, plain.networks], [{}, {}, ["fd00::1/64"]]);
  const advertising = interfaceRow({
    ...leg,
    ipv6: { addressMode: "dhcpv6-stateful", dnsServer: "fd00::53", mtu: 1442 },
    physical: true,
  });
  assert.deepEqual(advertising.ipv6_ra_configs, {
    address_mode: "dhcpv6_stateful",
    send_periodic: "true",
    mtu: "1442",
    rdnss: "fd00::53",
  });
  assert.deepEqual(advertising.options, { "reside-on-redirect-chassis": "true" });
});
