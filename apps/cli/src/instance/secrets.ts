/** Secrets of an instance: made once, kept in files of their own, never in config.json or on a command line. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { type InstanceUser, writeWhole } from "./instance-config.ts";
import type { InstancePaths } from "./paths.ts";

export type Secrets = { rootKeyFile: string; operatorPassword: string; demoPassword: string };

export const OPERATOR_USER = "operator";
export const DEMO_USER = "demo";
export const DEMO_PROJECT = "demo";

/** The control plane's own: its root key, and beside it what it must remember outside the database. */
export const controlPlaneSecrets = (paths: InstancePaths): string => join(paths.secrets, "control-plane");

/** Makes what is missing; gives what there is. Idempotent. */
export async function ensureSecrets(paths: InstancePaths, controlPlane: InstanceUser): Promise<Secrets> {
  await mkdir(paths.secrets, { recursive: true, mode: 0o700 });
  const own = controlPlaneSecrets(paths);
  await mkdir(own, { recursive: true, mode: 0o700 });
  await chown(own, controlPlane.uid, controlPlane.gid);
  const rootKeyFile = join(own, "root.key");
  if (!existsSync(rootKeyFile)) await writeWhole(rootKeyFile, `${randomBytes(32).toString("base64")}\n`, 0o400);
  await chown(rootKeyFile, controlPlane.uid, controlPlane.gid);
  const [operatorPassword, demoPassword] = await Promise.all([
    ensurePassword(paths, "operator-password"),
    ensurePassword(paths, "demo-password"),
  ]);
  return { rootKeyFile, operatorPassword, demoPassword };
}

async function ensurePassword(paths: InstancePaths, name: string): Promise<string> {
  const file = join(paths.secrets, name);
  if (!existsSync(file)) await writeWhole(file, `${randomBytes(24).toString("base64url")}\n`, 0o400);
  return (await readFile(file, "utf8")).trim();
}

/** The secrets of an instance that is there. */
export async function readPasswords(paths: InstancePaths): Promise<{ operatorPassword: string; demoPassword: string }> {
  const read = async (name: string): Promise<string> => (await readFile(join(paths.secrets, name), "utf8")).trim();
  return { operatorPassword: await read("operator-password"), demoPassword: await read("demo-password") };
}
