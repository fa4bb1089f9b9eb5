import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { type RecipeFile, listEntries, parsePackages, readRecipe, recipeHash, recipeText } from "./recipe.ts";

const file = (name: string, content: string, executable = false): RecipeFile => ({
  path: name,
  executable,
  content: Buffer.from(content),
});

test("list files: comments and blank lines do not count", () => {
  assert.deepEqual(listEntries("# head\n\nbusybox-static  # the shell\n  jq\n"), ["busybox-static", "jq"]);
  assert.deepEqual(listEntries(""), []);
});

test("the hash does not depend on the order of the files", () => {
  const a = file("a", "1");
  const b = file("b/c", "2");
  assert.equal(recipeHash([a, b]), recipeHash([b, a]));
});

test("the hash sees content, names, the executable bit and where one file ends and the next begins", () => {
  const hashes = [
    [file("a", "1"), file("b", "2")],
    [file("a", "1"), file("b", "3")],
    [file("a", "1"), file("c", "2")],
    [file("a", "1", true), file("b", "2")],
    [file("a", "12"), file("b", "")],
    [file("a", "1")],
  ].map(recipeHash);
  assert.equal(new Set(hashes).size, hashes.length);
});

test("package lists are sorted; a line that is not a package and a version is an error", () => {
  assert.deepEqual(parsePackages("zlib1g 1:1.3\nadduser 3.152\n"), [
    { name: "adduser", version: "3.152" },
    { name: "zlib1g", version: "1:1.3" },
  ]);
  assert.throws(() => parsePackages("adduser"), /not a package and a version/);
  assert.throws(() => parsePackages("adduser 1 2"), /not a package and a version/);
});

test("a recipe is read with its sub-folders and executable bits", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "recipe-"));
  try {
    await mkdir(path.join(folder, "rootfs/etc"), { recursive: true });
    await writeFile(path.join(folder, "rootfs/etc/hostname"), "mini\n");
    await writeFile(path.join(folder, "assemble.sh"), "#!/bin/sh\n");
    await chmod(path.join(folder, "assemble.sh"), 0o755);
    const files = await readRecipe(folder);
    const seen = files.map((each) => `${each.path} ${each.executable}`).toSorted();
    assert.deepEqual(seen, ["assemble.sh true", "rootfs/etc/hostname false"]);
    assert.equal(recipeText(files, "rootfs/etc/hostname"), "mini\n");
    assert.throws(() => recipeText(files, "packages.txt"), /no file packages.txt/);
    await rm(path.join(folder, "assemble.sh"));
    await rm(path.join(folder, "rootfs"), { recursive: true });
    await assert.rejects(readRecipe(folder), /no recipe in/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
