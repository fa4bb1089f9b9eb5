import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import { type Stages, createChunkFile, createStages } from "./chunk-file.ts";

/** A directory on a disk, and one in memory, where direct writing may be refused. */
const directories = [tmpdir(), ...(existsSync("/dev/shm") ? ["/dev/shm"] : [])].map((parent) =>
  mkdtempSync(join(parent, "andromede-chunk-file-")),
);

describe("a chunk's file", () => {
  after(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));

  const openFiles = (directory: string): number =>
    readdirSync("/proc/self/fd").filter((name) => {
      try {
        return readlinkSync(join("/proc/self/fd", name)).startsWith(directory);
      } catch {
        return false; // the one that the list itself was read by
      }
    }).length;

  async function writeFile(path: string, stages: Stages, pieces: readonly Buffer[]): Promise<void> {
    const file = createChunkFile(path, stages);
    for (const piece of pieces) {
      piece.copy(await file.room(piece.length));
      await file.write();
    }
    await file.sync();
    await file.close();
  }

  for (const [place, directory] of directories.entries()) {
    it(`has what was written, whatever the lengths (${place === 0 ? "disk" : "memory"})`, async () => {
      const stages = createStages();
      const lengths = [
        [0],
        [1],
        [4095],
        [4096],
        [4097],
        [28, 131_092, 131_092, 7],
        [262_212, 262_184, 262_184, 1000, 5000],
      ];
      // more at once than there are stages
      await Promise.all(
        Array.from({ length: 30 }, async (_, index) => {
          const pieces = (lengths[index % lengths.length] ?? []).map((length) => randomBytes(length));
          const path = join(directory, String(index));
          await writeFile(path, stages, pieces);
          assert.ok(readFileSync(path).equals(Buffer.concat(pieces)), `${pieces.map(({ length }) => length).join()}`);
        }),
      );
      assert.equal(openFiles(directory), 0);
    });
  }

  it("may be given up with its room still open, and its stage is another's", async () => {
    const stages = createStages();
    for (let round = 0; round < 40; round += 1) {
      const file = createChunkFile(join(directories[0] ?? "", `given-up-${round}`), stages);
      await file.room(100_000);
      await file.close();
    }
    await assert.rejects(createChunkFile(join(directories[0] ?? "", "long"), stages).room(300_000), RangeError);
  });

  it("is never one that was there", () => {
    assert.throws(() => createChunkFile(join(directories[0] ?? "", "0"), createStages()), { code: "EEXIST" });
  });
});
