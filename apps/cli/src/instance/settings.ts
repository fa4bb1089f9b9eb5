/** What an operator may set of the control plane: `up --settings FILE`, remembered in `config.json` until another file is given. */
import { readFile } from "node:fs/promises";

import { invalid } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";

import { type BytePlace, assertBytePlace } from "./byte-place.ts";

/** Sections of the control plane's configuration, and the object store's; their members are checked by the programs themselves. */
const RULES = ["identity", "image", "compute", "operator", "objectStore"] as const;
/** Where services keep their bytes. */
const STORES = ["imageStore", "backupStore"] as const;
export const SECTIONS = [...RULES, ...STORES] as const;

export type Settings = { [section in (typeof RULES)[number]]?: { [name: string]: number | string[] } } & {
  [section in (typeof STORES)[number]]?: BytePlace;
};

export async function readSettings(file: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw invalid(`--settings: ${file} cannot be read`, { cause });
  }
  return checkSettings(parseJson(text, file), file);
}

/** Pure. */
export function checkSettings(value: unknown, file: string): Settings {
  if (!isObject(value)) throw invalid(`${file}: an object is needed`);
  for (const [section, members] of Object.entries(value)) {
    if (!SECTIONS.some((known) => known === section))
      throw invalid(`${file}: there is no section "${section}"; there are ${SECTIONS.join(", ")}`);
    if (STORES.some((store) => store === section)) {
      if (!isObject(members)) throw invalid(`${file}: section "${section}" is an object`);
      assertBytePlace(members, `${file}: section "${section}"`);
      continue;
    }
    if (!isObject(members) || !Object.values(members).every(isSetting))
      throw invalid(`${file}: section "${section}" is an object of numbers and lists of words`);
  }
  return value;
}

const isSetting = (member: unknown): boolean =>
  typeof member === "number" || (Array.isArray(member) && member.every((word) => typeof word === "string"));

const isObject = (value: unknown): value is { [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
