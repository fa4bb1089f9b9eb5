import assert from "node:assert/strict";
import { test } from "node:test";

import { checkSettings, readSettings } from "./settings.ts";

test("settings are sections of numbers", () => {
  const settings = { identity: { lockoutFailures: 3, lockoutSeconds: 60 }, image: { webDownloadHosts: ["a.fr"] } };
  assert.deepEqual(checkSettings(settings, "f"), settings);
  assert.throws(() => checkSettings([], "f"), /f: an object is needed/);
  assert.throws(
    () => checkSettings({ tls: {} }, "f"),
    /no section "tls"; there are identity, image, compute, operator/,
  );
  assert.throws(() => checkSettings({ identity: 3 }, "f"), /"identity" is an object of numbers and lists of words/);
  assert.throws(() => checkSettings({ image: { maxBytes: "1" } }, "f"), /"image" is an object of numbers/);
});

test("a file that is not there is said to be missing", async () => {
  await assert.rejects(
    readSettings("/nonexistent/settings.json"),
    /--settings: \/nonexistent\/settings.json cannot be read/,
  );
});
