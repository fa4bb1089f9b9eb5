import assert from "node:assert/strict";
import { test } from "node:test";

import { guestIdIn } from "./guests.ts";

test("a guest is known by the name that its QEMU was given, in full", () => {
  const words = ["qemu-system-x86_64", "-name", "guest=cloud/host1/8e0e978b-7315,debug-threads=on", "-m", "256"];
  assert.equal(guestIdIn(words, "cloud", "host1"), "8e0e978b-7315");
  assert.equal(guestIdIn(words, "clou", "host1"), null);
  assert.equal(guestIdIn(words, "cloud", "host"), null);
  assert.equal(guestIdIn(["sh", "-c", "x guest=cloud/host1/1,"], "cloud", "host1"), null);
});
