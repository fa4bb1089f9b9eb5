import assert from "node:assert/strict";
import { test } from "node:test";

import { parseCommandLine } from "./options.ts";

const common = { instance: "andromede", data: "/var/lib/andromede", json: false };

test("every command", () => {
  const up = { simulated: false, plainHttp: false, images: true, objectStore: true };
  assert.deepEqual(parseCommandLine(["up"]), { ...common, command: "up", ...up });
  assert.deepEqual(parseCommandLine(["demo", "--json"]), { ...common, json: true, command: "demo", ...up });
  assert.deepEqual(
    parseCommandLine([
      "up",
      "--simulated",
      "--hosts",
      "3",
      "--delay-ms=20",
      "--plain-http",
      "--no-images",
      "--no-object-store",
      "--settings",
      "/etc/cloud.json",
      "--instance",
      "bench",
      "--data",
      "/tmp/x/",
    ]),
    {
      instance: "bench",
      data: "/tmp/x",
      json: false,
      command: "up",
      simulated: true,
      hosts: 3,
      delayMs: 20,
      plainHttp: true,
      images: false,
      objectStore: false,
      settings: "/etc/cloud.json",
    },
  );
  assert.deepEqual(parseCommandLine(["--json", "status"]), { ...common, json: true, command: "status" });
  assert.deepEqual(parseCommandLine(["env", "--operator"]), { ...common, command: "env", operator: true });
  assert.deepEqual(parseCommandLine(["down", "--purge", "--yes"]), {
    ...common,
    command: "down",
    keepGuests: false,
    purge: true,
    keepEngines: false,
    yes: true,
  });
  assert.deepEqual(parseCommandLine(["image", "build", "mini"]), { ...common, command: "image-build", name: "mini" });
  assert.deepEqual(parseCommandLine(["events", "verify"]), { ...common, command: "events-verify" });
  assert.deepEqual(parseCommandLine(["test", "db"]), {
    ...common,
    data: "/var/tmp/andromede-test",
    command: "test",
    suites: ["db"],
  });
  assert.deepEqual(parseCommandLine([]), { ...common, command: "help" });
  assert.deepEqual(parseCommandLine(["up", "-h"]), { ...common, command: "help" });
});

test("what makes no sense is refused in words", () => {
  const refused: [string[], RegExp][] = [
    [["fly"], /unknown command "fly"/],
    [["up", "now"], /no further words/],
    [["up", "--fast"], /--fast/],
    [["up", "--hosts", "3"], /go with --simulated/],
    [["up", "--simulated", "--hosts", "0"], /whole number from 1/],
    [["up", "--simulated", "--hosts", "1e3"], /whole number/],
    [["status", "--purge"], /"status" has no option --purge/],
    [["down", "--purge", "--keep-guests"], /contradict/],
    [["down", "--keep-engines"], /goes with --purge/],
    [["image", "build"], /image build NAME/],
    [["image", "destroy", "mini"], /image build NAME/],
    [["events"], /events verify/],
    [["test", "everything"], /no suite "everything"/],
  ];
  for (const [words, message] of refused) assert.throws(() => parseCommandLine(words), message, words.join(" "));
});
