import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";

import { internal } from "@andromede/base/errors";

/** Changed by hand when the code around the recipes changes what comes out of them. */
const BUILDER_VERSION = "1";

export type RecipeFile = { path: string; executable: boolean; content: Buffer };

/** The entries of a list file: one a line, `#` starts a comment. */
export function listEntries(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

/** Identifies what a recipe's files say, whatever their order and times. */
export function recipeHash(files: readonly RecipeFile[]): string {
  const hash = createHash("sha256").update(`andromede image builder ${BUILDER_VERSION}\n`);
  for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${file.path} ${file.executable ? "x" : "-"} ${file.content.length}\n`).update(file.content);
  }
  return hash.digest("hex");
}

/** Every file of a recipe's folder. */
export async function readRecipe(folder: string): Promise<RecipeFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  if (files.length === 0) throw internal(`no recipe in ${folder}`);
  return await Promise.all(
    files.map(async (entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const [content, status] = await Promise.all([readFile(file), stat(file)]);
      return { path: path.relative(folder, file), executable: (status.mode & 0o100) !== 0, content };
    }),
  );
}

/** The text of one file of a recipe. */
export function recipeText(files: readonly RecipeFile[], name: string): string {
  const file = files.find((candidate) => candidate.path === name);
  if (file === undefined) throw internal(`the recipe has no file ${name}`);
  return file.content.toString("utf8");
}

export type PackageVersion = { name: string; version: string };

/** `name version` a line, as dpkg-query prints it, sorted by name. */
export function parsePackages(text: string): PackageVersion[] {
  return listEntries(text)
    .map((line) => {
      const [name, version, ...rest] = line.split(" ");
      if (name === undefined || version === undefined || rest.length > 0)
        throw internal(`not a package and a version: ${line}`);
      return { name, version };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
