import assert from "node:assert/strict";
import { test } from "node:test";

import type { Unit } from "@andromede/engines/unit";

import { parseProperties, stateOf } from "./systemd-manager.ts";
import { serviceName, sliceName, systemdUnit } from "./systemd-unit.ts";

const unit: Unit = {
  name: "ovn-controller@host1",
  description: "OVN controller of host1",
  argv: ["bwrap", "--ro-bind", "/data/a b", "/x", "--", 'say "100%" $HOME'],
  environment: { PATH: "/usr/bin", PRICE: "5$ 10%" },
  log: "/data/cloudwatt/log/ovn-controller@host1.log",
  after: ["ovs-vswitchd@host1", "ovn-southbound"],
  stopSignal: "SIGTERM",
  stopTimeoutMs: 1_500,
  kill: "tree",
};

test("the whole text of a unit", () => {
  const text = systemdUnit("cloud-watt", unit);
  assert.equal(
    text.replace(/^X-Andromede-Definition=[0-9a-f]{16}$/m, "X-Andromede-Definition=HASH"),
    [
      "# Written by andromede up; changed there, not here.",
      "[Unit]",
      "Description=Andromede cloud-watt: OVN controller of host1",
      "X-Andromede-Definition=HASH",
      "After=cloud-watt-ovs-vswitchd-host1.service cloud-watt-ovn-southbound.service",
      "Wants=cloud-watt-ovs-vswitchd-host1.service cloud-watt-ovn-southbound.service",
      "StartLimitIntervalSec=0",
      "",
      "[Service]",
      "Type=exec",
      "Slice=cloud\\x2dwatt.slice",
      'ExecStart="bwrap" "--ro-bind" "/data/a b" "/x" "--" "say \\"100%%\\" $$HOME"',
      'Environment="PATH=/usr/bin"',
      'Environment="PRICE=5$ 10%%"',
      "StandardOutput=append:/data/cloudwatt/log/ovn-controller@host1.log",
      "StandardError=append:/data/cloudwatt/log/ovn-controller@host1.log",
      "Restart=always",
      "RestartSec=200ms",
      "KillSignal=SIGTERM",
      "KillMode=control-group",
      "TimeoutStopSec=2",
      "Delegate=yes",
      "TasksMax=infinity",
      "LimitNOFILE=65536",
      "",
    ].join("\n"),
  );
});

test("a unit whose descendants outlive it is killed alone", () => {
  assert.match(systemdUnit("a", { ...unit, kill: "process", after: [] }), /^KillMode=process$/m);
  assert.doesNotMatch(systemdUnit("a", { ...unit, after: [] }), /^(After|Wants)=/m);
});

test("names", () => {
  assert.equal(sliceName("numergy"), "numergy.slice");
  assert.equal(serviceName("numergy", "ovs-vswitchd@host1"), "numergy-ovs-vswitchd-host1.service");
});

test("what systemctl show says", () => {
  assert.deepEqual(parseProperties("ActiveState=active\nResult=exit=code\n\n"), {
    ActiveState: "active",
    Result: "exit=code",
  });
  assert.deepEqual(
    [
      ["active", "running"],
      ["activating", "auto-restart"],
      ["activating", "start"],
      ["deactivating", "stop"],
      ["failed", "failed"],
      ["inactive", "dead"],
    ].map(([a = "", s = ""]) => stateOf(a, s)),
    ["running", "restarting", "starting", "stopping", "stopped", "stopped"],
  );
});
