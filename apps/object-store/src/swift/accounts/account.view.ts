/** An account's headers. Pure. */
import type { Account } from "../../namespace/namespace.ts";
import type { Usage } from "../../namespace/container.model.ts";
import { STORAGE_POLICY } from "../limits.ts";
import { toTimestamp } from "../wire/http-date.ts";
import { showMetadata } from "../wire/metadata.ts";
import type { ReplyHeaders } from "../wire/reply.ts";

/** What only an account's own people see. */
export const SECRET_KEYS: ReadonlySet<string> = new Set(["temp-url-key", "temp-url-key-2"]);

export function accountHeaders(
  account: Account,
  usage: Usage & { containers: number },
  access: "owner" | "granted",
): ReplyHeaders {
  const timestamp = toTimestamp(account.createdAt);
  const policy = `X-Account-Storage-Policy-${STORAGE_POLICY}`;
  const headers: ReplyHeaders = {
    "X-Account-Container-Count": usage.containers,
    "X-Account-Object-Count": usage.objects,
    "X-Account-Bytes-Used": usage.bytes,
    "X-Timestamp": timestamp,
    "X-Put-Timestamp": timestamp,
    "Accept-Ranges": "bytes",
  };
  if (usage.containers > 0) {
    headers[`${policy}-Container-Count`] = usage.containers;
    headers[`${policy}-Object-Count`] = usage.objects;
    headers[`${policy}-Bytes-Used`] = usage.bytes;
  }
  showMetadata(headers, account.metadata, "account", access === "owner" ? undefined : SECRET_KEYS);
  if (account.quotaBytes !== null) {
    headers["X-Account-Meta-Quota-Bytes"] = account.quotaBytes;
    headers["X-Account-Quota-Bytes"] = account.quotaBytes;
  }
  if (account.quotaObjects !== null) headers["X-Account-Quota-Count"] = account.quotaObjects;
  return headers;
}
