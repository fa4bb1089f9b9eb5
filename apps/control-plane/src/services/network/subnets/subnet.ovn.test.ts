import assert from "node:assert/strict";
import { test } from "node:test";

import { serviceMac } from "../ovn/addresses.ts";
import { type OvnSubnet, subnetDhcpRow } from "./subnet.ovn.ts";

const subnet = (over: Partial<OvnSubnet> = {}): OvnSubnet => ({
  id: "s",
  ipVersion: 4,
  cidr: "10.0.0.0/24",
  gatewayIp: "10.0.0.1",
  enableDhcp: true,
  dnsServers: [],
  hostRoutes: [],
  ipv6AddressMode: null,
  networkMtu: 1442,
  metadataAddress: null,
  dnsDomain: null,
  ...over,
});
const options = (over: Partial<OvnSubnet>) => subnetDhcpRow(subnet(over))?.options;

test("the least IPv4 DHCP says", () => {
  assert.deepEqual(subnetDhcpRow(subnet()), {
    cidr: "10.0.0.0/24",
    options: {
      server_id: "10.0.0.1",
      server_mac: serviceMac("s"),
      lease_time: "43200",
      mtu: "1442",
      router: "10.0.0.1",
    },
    external_ids: { "andromede:id": "s", "andromede:class": "subnet" },
  });
});

test("resolvers, domain, routes: the default route joins the static ones", () => {
  const all = options({
    dnsServers: ["9.9.9.9", "1.1.1.1"],
    dnsDomain: "example.org.",
    metadataAddress: "10.0.0.2",
    hostRoutes: [{ destination: "10.9.0.0/16", nexthop: "10.0.0.9" }],
  });
  assert.equal(all?.["dns_server"], "{9.9.9.9, 1.1.1.1}");
  assert.equal(all["domain_name"], '"example.org"');
  assert.equal(
    all["classless_static_route"],
    "{169.254.169.254/32,10.0.0.2, 10.9.0.0/16,10.0.0.9, 0.0.0.0/0,10.0.0.1}",
  );
});

test("without a gateway the metadata port serves; without either there is no DHCP, nor when it is off", () => {
  const isolated = options({ gatewayIp: null, metadataAddress: "10.0.0.2" });
  assert.equal(isolated?.["server_id"], "10.0.0.2");
  assert.equal(isolated["router"], undefined);
  assert.equal(isolated["classless_static_route"], "{169.254.169.254/32,10.0.0.2}");
  assert.equal(subnetDhcpRow(subnet({ gatewayIp: null })), null);
  assert.equal(subnetDhcpRow(subnet({ enableDhcp: false })), null);
});

test("IPv6: stateful, stateless, none with SLAAC", () => {
  const v6 = { ipVersion: 6, cidr: "fd00::/64", gatewayIp: "fd00::1", dnsServers: ["fd00::53"] } as const;
  assert.deepEqual(options({ ...v6, ipv6AddressMode: "dhcpv6-stateful" }), {
    server_id: serviceMac("s"),
    dns_server: "{fd00::53}",
  });
  assert.equal(options({ ...v6, ipv6AddressMode: "dhcpv6-stateless" })?.["dhcpv6_stateless"], "true");
  assert.equal(subnetDhcpRow(subnet({ ...v6, ipv6AddressMode: "slaac" })), null);
});
