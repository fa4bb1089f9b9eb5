/** `X-Account-Meta-Quota-Bytes` and its newer names: set by resellers only. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import type { AccountChange } from "../../namespace/namespace.ts";
import { refusal } from "../wire/refusal.ts";

const BYTES = ["x-account-quota-bytes", "x-account-meta-quota-bytes"];
const COUNT = ["x-account-quota-count"];
/** Kept in columns of their own, not with the rest. */
export const QUOTA_METADATA = "quota-bytes";

/** Throws 403 where somebody else so much as names one, 400 for what is no number. */
export function readAccountQuotas(
  headers: IncomingHttpHeaders,
  isReseller: boolean,
): Pick<AccountChange, "quotaBytes" | "quotaObjects"> {
  const bytes = quotaIn(headers, BYTES);
  const objects = quotaIn(headers, COUNT);
  if ((bytes !== undefined || objects !== undefined) && !isReseller) throw refusal(403);
  return {
    ...(bytes === undefined ? {} : { quotaBytes: bytes }),
    ...(objects === undefined ? {} : { quotaObjects: objects }),
  };
}

function quotaIn(headers: IncomingHttpHeaders, names: string[]): number | null | undefined {
  for (const name of names) if (headers[`x-remove-${name.slice(2)}`] !== undefined) return null;
  for (const name of names) {
    const value = headers[name];
    if (typeof value === "string") return parseQuota(value, "Invalid quota.");
  }
  return undefined;
}

/** null: none any more. */
export function parseQuota(value: string, message: string): number | null {
  if (value === "") return null;
  const quota = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(quota)) throw refusal(400, message);
  return quota;
}
