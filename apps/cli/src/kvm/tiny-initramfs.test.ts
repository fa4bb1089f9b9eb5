import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { initramfs, tinyInit } from "./tiny-initramfs.ts";

test("the hand-made program says its line", () => {
  const directory = mkdtempSync(join(tmpdir(), "andromede-init-"));
  try {
    const program = join(directory, "init");
    writeFileSync(program, tinyInit("I am here\n"));
    chmodSync(program, 0o755);
    // it pauses for ever after its line, as the first process must
    const run = spawnSync(program, { timeout: 300, killSignal: "SIGKILL", encoding: "utf8" });
    assert.equal(run.stdout, "I am here\n");
    assert.equal(run.signal, "SIGKILL");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the archive holds one executable /init and ends", () => {
  const archive = initramfs(Buffer.from("abc")).toString("latin1");
  assert.equal(archive.slice(0, 6), "070701");
  assert.equal(archive.slice(14, 22), "000081ed");
  assert.equal(archive.slice(54, 62), "00000003");
  assert.equal(archive.slice(110, 115), "init\0");
  assert.equal(archive.length % 4, 0);
  assert.match(archive, /TRAILER!!!/);
});
