import assert from "node:assert/strict";
import { test } from "node:test";

import { type OvnSecurityGroupRule, dropGroupAcls, ruleAcl, ruleMatch } from "./security-group-acls.ovn.ts";

const rule = (over: Partial<OvnSecurityGroupRule> = {}): OvnSecurityGroupRule => ({
  id: "rule",
  direction: "ingress",
  ethertype: "IPv4",
  protocol: null,
  portRangeMin: null,
  portRangeMax: null,
  remoteIpPrefix: null,
  remoteGroupId: null,
  ...over,
});

test("what each kind of rule lets through", () => {
  const cases: [Partial<OvnSecurityGroupRule>, string][] = [
    [{}, "outport == @pg_a_b && ip4"],
    [{ direction: "egress", ethertype: "IPv6" }, "inport == @pg_a_b && ip6"],
    [{ protocol: "any" }, "outport == @pg_a_b && ip4"],
    [{ protocol: "tcp", portRangeMin: 22, portRangeMax: 22 }, "outport == @pg_a_b && ip4 && tcp && tcp.dst == 22"],
    [
      { protocol: "17", portRangeMin: 1, portRangeMax: 99 },
      "outport == @pg_a_b && ip4 && udp && udp.dst >= 1 && udp.dst <= 99",
    ],
    [{ protocol: "SCTP" }, "outport == @pg_a_b && ip4 && sctp"],
    [
      { protocol: "icmp", portRangeMin: 8, portRangeMax: 0 },
      "outport == @pg_a_b && ip4 && icmp4 && icmp4.type == 8 && icmp4.code == 0",
    ],
    [{ protocol: "icmp", portRangeMin: 0 }, "outport == @pg_a_b && ip4 && icmp4 && icmp4.type == 0"],
    [
      { protocol: "ipv6-icmp", ethertype: "IPv6", portRangeMin: 128 },
      "outport == @pg_a_b && ip6 && icmp6 && icmp6.type == 128",
    ],
    [{ protocol: "58", ethertype: "IPv6" }, "outport == @pg_a_b && ip6 && icmp6"],
    [{ protocol: "vrrp" }, "outport == @pg_a_b && ip4 && ip.proto == 112"],
    [{ protocol: "0" }, "outport == @pg_a_b && ip4 && ip.proto == 0"],
    [{ remoteIpPrefix: "10.1.2.3/8" }, "outport == @pg_a_b && ip4 && ip4.src == 10.0.0.0/8"],
    [{ direction: "egress", remoteIpPrefix: "10.1.2.3" }, "inport == @pg_a_b && ip4 && ip4.dst == 10.1.2.3/32"],
    [{ remoteGroupId: "c-d" }, "outport == @pg_a_b && ip4 && ip4.src == $pg_c_d_ip4"],
    [
      { direction: "egress", ethertype: "IPv6", remoteGroupId: "c-d", protocol: "tcp" },
      "inport == @pg_a_b && ip6 && ip6.dst == $pg_c_d_ip6 && tcp",
    ],
  ];
  for (const [over, wanted] of cases) assert.equal(ruleMatch("a-b", rule(over)), wanted);
});

test("a rule's ACL: connections are followed, unless the group is stateless", () => {
  assert.deepEqual(ruleAcl("a-b", true, rule()), {
    priority: 1002,
    direction: "to-lport",
    action: "allow-related",
    match: "outport == @pg_a_b && ip4",
    external_ids: { "andromede:rule": "rule" },
  });
  const stateless = ruleAcl("a-b", false, rule({ direction: "egress" }));
  assert.deepEqual([stateless.action, stateless.direction], ["allow-stateless", "from-lport"]);
});

test("what is no protocol is refused", () => {
  for (const protocol of ["256", "-1", "tpc", "1e1", ""])
    assert.throws(() => ruleMatch("a", rule({ protocol })), { kind: "invalid" }, protocol);
});

test("the drop group drops both ways, below every rule, and lets a guest ask for its address", () => {
  assert.deepEqual(
    dropGroupAcls().map((acl) => `${acl.priority} ${acl.direction} ${acl.action} ${acl.match}`),
    [
      "1001 from-lport allow inport == @andromede_pg_drop && ip4 && ip4.dst == 255.255.255.255 && udp && udp.src == 68 && udp.dst == 67",
      "1001 from-lport allow inport == @andromede_pg_drop && ip6 && ip6.dst == ff02::1:2 && udp && udp.src == 546 && udp.dst == 547",
      "1000 from-lport drop inport == @andromede_pg_drop && ip",
      "1000 to-lport drop outport == @andromede_pg_drop && ip",
    ],
  );
});
