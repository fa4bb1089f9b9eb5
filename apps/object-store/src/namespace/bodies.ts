/** What is between the byte store, which has a body, and the commit that makes it count. */
import { internal } from "@andromede/base/errors";

import type { Digests, Written } from "../bytes/byte-store.ts";
import { isRolledBack } from "./transact.ts";

/** The body's check may change what is known of it. */
export type Checked<Details> = { etag: string; details: Details };
type Check<Details> =
  | ((written: { size: number; digests: Digests }) => { etag?: string; details?: Details } | void)
  | undefined;

export function checkBody<Details>(written: Written, check: Check<Details>, details: Details): Checked<Details> {
  const found = check?.({ size: written.size, digests: written.digests }) ?? {};
  return { etag: checkEtag(found.etag ?? written.digests.md5 ?? ""), details: found.details ?? details };
}

/** Listings rely on it. */
export function checkEtag(etag: string): string {
  if (!/^[\x21-\x7e]+$/.test(etag)) throw internal("an ETag is of visible characters");
  return etag;
}

/** Commits what was written, and tells the byte store what came of it. */
export async function settling<T>(written: Written, commit: () => Promise<T>): Promise<T> {
  let value: T;
  try {
    value = await commit();
  } catch (error) {
    // who does not know whether the commit came through must not have the bytes removed: they are the collector's, who can see
    await written.settle(!isRolledBack(error));
    throw error;
  }
  await written.settle(true);
  return value;
}
