import assert from "node:assert/strict";
import { test } from "node:test";

import { hostLink, iptablesRules, natRuleset } from "./host-network.ts";

test("a link's name fits in 15 characters for every slot and host", () => {
  assert.deepEqual(hostLink(1, 1, "one-host1"), {
    namespace: "one-host1",
    machineLink: "an1-1",
    gateway: "172.24.1.1",
    prefixLength: 24,
  });
  assert.ok(hostLink(254, 10_000, "x").machineLink.length <= 15);
});

test("the rules masquerade what leaves the machine, and only that", () => {
  const rules = natRuleset(9, "an9-1");
  assert.ok(
    rules.startsWith(
      [
        "table ip andromede_9 {}",
        "delete table ip andromede_9",
        "table ip andromede_9 {",
        "  chain postrouting {",
        "    type nat hook postrouting priority srcnat; policy accept;",
        '    ip saddr 172.24.9.0/24 oifname != "an9-1" masquerade',
        "  }",
        "}",
        "table inet andromede_9 {}",
        "",
      ].join("\n"),
    ),
  );
  const [nat] = iptablesRules(9, "an9-1");
  assert.equal(nat?.table, "nat");
  assert.equal(
    [nat?.chain, ...(nat?.rule ?? [])].join(" "),
    "POSTROUTING -s 172.24.9.0/24 ! -o an9-1 -m comment --comment andromede_9 -j MASQUERADE",
  );
});

test("guests reach nothing of the machine but a ping, and no link-local address through it", () => {
  const [, filter = ""] = natRuleset(9, "an9-1").split("delete table inet andromede_9\n");
  assert.deepEqual(
    filter
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && line !== "}"),
    [
      "table inet andromede_9 {",
      "chain input {",
      "type filter hook input priority filter; policy accept;",
      'iifname "an9-1" jump guests',
      "chain forward {",
      "type filter hook forward priority filter; policy accept;",
      'iifname "an9-1" ip saddr != 172.24.9.0/24 drop',
      'iifname "an9-1" ip daddr 169.254.0.0/16 drop',
      'iifname "an9-1" meta nfproto ipv6 drop',
      "chain guests {",
      "ct state established,related accept",
      "icmp type echo-request accept",
      "drop",
    ],
  );
  assert.deepEqual(
    iptablesRules(9, "an9-1")
      .filter(({ table }) => table === "filter")
      .map(({ chain, rule }) => [chain, ...rule].join(" ").replace(" -m comment --comment andromede_9", "")),
    [
      "INPUT -i an9-1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
      "INPUT -i an9-1 -p icmp --icmp-type echo-request -j ACCEPT",
      "INPUT -i an9-1 -j DROP",
      "FORWARD -i an9-1 ! -s 172.24.9.0/24 -j DROP",
      "FORWARD -i an9-1 -d 169.254.0.0/16 -j DROP",
    ],
  );
});
