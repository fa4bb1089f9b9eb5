/** A container's headers. Pure. */
import type { Container, Usage } from "../../namespace/container.model.ts";
import { SECRET_KEYS } from "../accounts/account.view.ts";
import { STORAGE_POLICY } from "../limits.ts";
import { lastModifiedMs, toHttpDate, toTimestamp } from "../wire/http-date.ts";
import { showMetadata } from "../wire/metadata.ts";
import type { ReplyHeaders } from "../wire/reply.ts";
import { quote, toHeader } from "../wire/text.ts";

export function containerHeaders(container: Container, usage: Usage, access: "owner" | "granted"): ReplyHeaders {
  const { settings } = container;
  const isOwner = access === "owner";
  const headers: ReplyHeaders = {
    "X-Container-Object-Count": usage.objects,
    "X-Container-Bytes-Used": usage.bytes,
    "X-Timestamp": toTimestamp(container.createdAt),
    "X-Put-Timestamp": toTimestamp(container.updatedAt),
    "Last-Modified": toHttpDate(lastModifiedMs(container.updatedAt)),
    "Accept-Ranges": "bytes",
    "X-Storage-Policy": STORAGE_POLICY,
  };
  if (isOwner && settings.readAcl !== undefined) headers["X-Container-Read"] = toHeader(settings.readAcl);
  if (isOwner && settings.writeAcl !== undefined) headers["X-Container-Write"] = toHeader(settings.writeAcl);
  if (settings.versionsLocation !== undefined) headers["X-Versions-Location"] = quote(settings.versionsLocation);
  if (settings.historyLocation !== undefined) headers["X-History-Location"] = quote(settings.historyLocation);
  if (settings.versioning !== undefined)
    headers["X-Versions-Enabled"] = settings.versioning === "enabled" ? "True" : "False";
  if (container.quotaBytes !== null) headers["X-Container-Meta-Quota-Bytes"] = container.quotaBytes;
  if (container.quotaObjects !== null) headers["X-Container-Meta-Quota-Count"] = container.quotaObjects;
  showMetadata(headers, container.metadata, "container", isOwner ? undefined : SECRET_KEYS);
  return headers;
}
