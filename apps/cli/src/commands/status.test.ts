import assert from "node:assert/strict";
import { test } from "node:test";

import { type Status, render } from "./status.ts";

const status: Status = {
  instance: "one",
  backend: "qemu",
  customerUrl: "https://127.0.0.1:8443",
  operatorUrl: "https://127.0.0.1:8444",
  accelerator: "tcg",
  acceleratorReason: "this machine has no /dev/kvm",
  supervision: "supervisor",
  programs: [],
  memoryMib: 0,
  up: false,
};

test("what runs, and what does not", () => {
  const programs = [
    {
      name: "postgresql",
      description: "PostgreSQL 17",
      state: "running" as const,
      pid: 42,
      memoryMib: 21,
      since: "2026-01-01T00:00:00.000Z",
      restarts: 2,
      lastExit: "SIGKILL",
      log: "/log",
    },
    {
      name: "control-plane",
      description: "control plane",
      state: "restarting" as const,
      pid: null,
      memoryMib: null,
      since: null,
      restarts: 0,
      lastExit: "exit code 1",
      log: "/log",
    },
  ];
  const text = render({ ...status, programs, memoryMib: 21 }, Date.parse("2026-01-01T00:01:05.000Z"));
  assert.equal(
    text,
    [
      "instance     one (qemu), supervised by its own supervisor",
      "customers    https://127.0.0.1:8443",
      "operators    https://127.0.0.1:8444",
      "accelerator  TCG: this machine has no /dev/kvm",
      "",
      "program        state       pid  memory    for",
      "postgresql     running     42   21.0 MiB  1 min 05 s  restarted 2 times",
      "control-plane  restarting  -    -         -",
      "",
      "memory       21.0 MiB",
    ].join("\n"),
  );
  assert.match(render(status, 0), /nothing runs; "andromede up" starts it/);
});
