import assert from "node:assert/strict";
import { test } from "node:test";

import { type RuleWire, readRule } from "./security-group-rule.model.ts";

type Case = [Partial<RuleWire>, string | RegExp];

test("what Neutron refuses, in its words", () => {
  const cases: Case[] = [
    [{ protocol: "bad_protocol_name" }, /^Security group rule protocol bad_protocol_name not supported/],
    [{ protocol: 256 }, /not supported/],
    [{ remote_ip_prefix: "92.0.0.1/33" }, /^Invalid input for remote_ip_prefix/],
    [{ remote_ip_prefix: "bad_prefix" }, /^Invalid input for remote_ip_prefix/],
    [{ ethertype: "bad_ethertype" }, /^Security group rule for ethertype 'bad_ethertype' not supported/],
    [{ direction: "sideways" }, /^Invalid input for direction/],
    [{ protocol: "tcp", port_range_min: -16, port_range_max: 80 }, "Invalid value for port -16"],
    [{ protocol: "tcp", port_range_min: 80, port_range_max: 65536 }, "Invalid value for port 65536"],
    [{ protocol: "icmp", port_range_min: -16 }, "Invalid value for port -16"],
    [
      { protocol: "tcp", port_range_min: 80, port_range_max: 79 },
      "For TCP/UDP protocols, port_range_min must be <= port_range_max",
    ],
    [{ protocol: "tcp", port_range_min: 80 }, "For TCP/UDP protocols, port_range_min must be <= port_range_max"],
    [{ protocol: "udp", port_range_max: 80 }, "For TCP/UDP protocols, port_range_min must be <= port_range_max"],
    [{ protocol: "tcp", port_range_min: 0, port_range_max: 80 }, "Invalid value for port 0"],
    [{ protocol: "icmp", port_range_min: 1, port_range_max: 256 }, /^Invalid value for ICMP code/],
    [{ protocol: "icmp", port_range_min: 300, port_range_max: 1 }, /^Invalid value for ICMP type/],
    [{ protocol: "icmp", port_range_max: 25 }, /ICMP type \(port-range-min\) is missing/],
    [{ port_range_min: 80, port_range_max: 80 }, "Must also specify protocol if port range is given."],
    [{ protocol: "gre", port_range_min: 1, port_range_max: 1 }, /^Invalid protocol gre for port range/],
    [{ protocol: "ipv6-icmp", ethertype: "IPv4" }, /^Invalid ethertype IPv4 for protocol ipv6-icmp/],
    [
      { remote_ip_prefix: "10.0.0.0/8", remote_group_id: "x" },
      "Only remote_ip_prefix or remote_group_id may be provided.",
    ],
    [{ remote_ip_prefix: "::/0", ethertype: "IPv4" }, "Conflicting value ethertype IPv4 for CIDR ::/0"],
  ];
  for (const [wire, message] of cases) {
    assert.throws(
      () => readRule({ direction: "ingress", ...wire }),
      { kind: "invalid", message },
      JSON.stringify(wire),
    );
  }
});

test("what is taken, and kept as sent", () => {
  const read = (wire: Partial<RuleWire>) => readRule({ direction: "ingress", ...wire });
  assert.equal(read({ protocol: 17 }).protocol, "17");
  assert.equal(read({ protocol: "TCP" }).protocol, "tcp");
  assert.equal(read({ protocol: "any" }).protocol, null);
  assert.equal(read({ ethertype: "ipv6" }).ethertype, "IPv6");
  assert.equal(read({ remote_ip_prefix: "10.1.1.1" }).remoteIpPrefix, "10.1.1.1/32");
  assert.deepEqual(
    [0, 0],
    [
      read({ protocol: "icmp", port_range_min: 0, port_range_max: 0 }).portRangeMin,
      read({ protocol: "icmp", port_range_min: 0, port_range_max: 0 }).portRangeMax,
    ],
  );
  const typeOnly = read({ protocol: "icmp", port_range_min: 11, port_range_max: null });
  assert.deepEqual([typeOnly.portRangeMin, typeOnly.portRangeMax], [11, null]);
  assert.equal(read({ protocol: "tcp", port_range_min: "22", port_range_max: "22" }).portRangeMin, 22);
});

test("two ways of saying one rule mean the same", () => {
  const meaning = (wire: Partial<RuleWire>) => {
    const rule = readRule({ direction: "ingress", ...wire });
    return [rule.matchProtocol, rule.matchPrefix];
  };
  assert.deepEqual(meaning({ protocol: "tcp" }), meaning({ protocol: "6" }));
  assert.deepEqual(meaning({ remote_ip_prefix: "0.0.0.0/0" }), meaning({}));
  assert.deepEqual(
    meaning({ ethertype: "IPv6", protocol: "icmp" }),
    meaning({ ethertype: "IPv6", protocol: "ipv6-icmp" }),
  );
  assert.deepEqual(meaning({ remote_ip_prefix: "10.0.0.1/24" }), meaning({ remote_ip_prefix: "10.0.0.0/24" }));
  assert.notDeepEqual(meaning({ protocol: "tcp" }), meaning({ protocol: "udp" }));
});
