import assert from "node:assert/strict";
import { test } from "node:test";

import { hostLink, natIptablesRule, natRuleset } from "./host-network.ts";

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
  assert.equal(
    natRuleset(9, "an9-1"),
    [
      "table ip andromede_9 {}",
      "delete table ip andromede_9",
      "table ip andromede_9 {",
      "  chain postrouting {",
      "    type nat hook postrouting priority srcnat; policy accept;",
      '    ip saddr 172.24.9.0/24 oifname != "an9-1" masquerade',
      "  }",
      "}",
      "",
    ].join("\n"),
  );
  assert.equal(
    natIptablesRule(9, "an9-1").join(" "),
    "POSTROUTING -s 172.24.9.0/24 ! -o an9-1 -m comment --comment andromede_9 -j MASQUERADE",
  );
});
