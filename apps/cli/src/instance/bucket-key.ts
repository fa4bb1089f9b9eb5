/** Keys to buckets, in files that the program which uses them can read, and nobody else. */
import { hash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, readFile } from "node:fs/promises";

import { invalid } from "@andromede/base/errors";

import { type InstanceUser, writeWhole } from "./instance-config.ts";

export type BucketKey = { accessKey: string; secretKeyFile: string };

/** A key to the cloud's own object store, made once. The access key follows from the secret: there is one thing to keep. */
export async function ensureBucketKey(secretKeyFile: string, owner: InstanceUser): Promise<BucketKey> {
  if (!existsSync(secretKeyFile)) await writeWhole(secretKeyFile, `${randomBytes(24).toString("hex")}\n`, 0o400);
  await chown(secretKeyFile, owner.uid, owner.gid);
  const secret = (await readFile(secretKeyFile, "utf8")).trim();
  return { accessKey: hash("sha256", `access key of ${secret}`).slice(0, 32), secretKeyFile };
}

/** A file of the operator's, beside our own secrets: a program sees only what is there. What was copied stays if it goes. */
export async function copyForProgram(from: string, to: string, owner: InstanceUser): Promise<string> {
  if (existsSync(from)) await writeWhole(to, await readFile(from, "utf8"), 0o400);
  else if (!existsSync(to)) throw invalid(`${from} cannot be read`);
  await chown(to, owner.uid, owner.gid);
  return to;
}
