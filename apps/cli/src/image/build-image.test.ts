import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { buildImage, findBuiltImage, imageNames, readImageRecipe } from "./build-image.ts";
import { listEntries, recipeText } from "./recipe.ts";

let dataDir: string;
before(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "images-"));
  await mkdir(path.join(dataDir, "built-images"));
});
after(() => rm(dataDir, { recursive: true, force: true }));

const place = (name: string): string => path.join(dataDir, "built-images", name);
const record = (recipeHash: string, sizeBytes: number): string =>
  JSON.stringify({ name: "mini", recipeHash, sha512: "ab".repeat(64), sizeBytes, packages: [] });

test("an image of the present recipe is not built again", async () => {
  const { hash } = await readImageRecipe("mini");
  await writeFile(place("mini.qcow2"), "0123456789");
  await writeFile(place("mini.json"), record(hash, 10));
  const expected = { path: place("mini.qcow2"), sha512: "ab".repeat(64), sizeBytes: 10, built: false };
  assert.deepEqual(await findBuiltImage(dataDir, "mini"), expected);
  // An engine root that does not exist: nothing may be started.
  const built = await buildImage({
    name: "mini",
    dataDir,
    engineRoot: "/nonexistent",
    log: assert.fail,
    onStep: assert.fail,
  });
  assert.deepEqual(built, expected);
});

test("another recipe, a cut file, an unreadable record or none at all: not there", async () => {
  const { hash } = await readImageRecipe("mini");
  await writeFile(place("mini.qcow2"), "0123456789");
  for (const text of [record("0".repeat(64), 10), record(hash, 11), "{", "[]", JSON.stringify({ recipeHash: hash })]) {
    await writeFile(place("mini.json"), text);
    assert.equal(await findBuiltImage(dataDir, "mini"), null, text);
  }
  await writeFile(place("mini.json"), record(hash, 10));
  await rm(place("mini.qcow2"));
  assert.equal(await findBuiltImage(dataDir, "mini"), null);
  assert.equal(await findBuiltImage(dataDir, "debian-13"), null);
});

test("each recipe names packages and assembles a disk; their hashes differ", async () => {
  const recipes = await Promise.all(imageNames.map((name) => readImageRecipe(name)));
  for (const { recipe } of recipes) {
    const packages = listEntries(recipeText(recipe, "packages.txt"));
    assert.ok(packages.includes("linux-image-cloud-amd64"));
    assert.equal(new Set(packages).size, packages.length);
    for (const name of packages) assert.match(name, /^[a-z0-9][a-z0-9+.-]+$/);
    assert.match(recipeText(recipe, "assemble.sh"), /^#!\/bin\/sh\n/);
  }
  assert.equal(new Set(recipes.map((each) => each.hash)).size, imageNames.length);
});
