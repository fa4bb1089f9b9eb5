/** An object's headers. Pure. */
import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { lastModifiedMs, toHttpDate, toTimestamp } from "../wire/http-date.ts";
import { showMetadata } from "../wire/metadata.ts";
import type { ReplyHeaders } from "../wire/reply.ts";
import { quote, titleCase, toHeader } from "../wire/text.ts";

/** What is shown of an object, which need not be what its own row says: manifests stand for what they name. */
export type ObjectShown = {
  container: Container;
  object: StoredObject;
  /** null: not known before its end. */
  size: number | null;
  /** Without quotes. */
  etag: string;
  kind: "plain" | "manifest" | "large";
  /** Where it really is, if a link led there. */
  contentLocation: string | null;
};

export function objectHeaders(shown: ObjectShown): ReplyHeaders {
  const { container, object, size, etag } = shown;
  const { details } = object;
  const headers: ReplyHeaders = {
    "Content-Type": toHeader(object.contentType),
    Etag: shown.kind === "large" ? `"${etag}"` : etag,
    "Last-Modified": toHttpDate(lastModifiedMs(object.modifiedAt)),
    "X-Timestamp": toTimestamp(object.modifiedAt),
    "Accept-Ranges": "bytes",
  };
  if (size !== null) headers["Content-Length"] = size;
  showMetadata(headers, object.metadata, "object");
  for (const name in details.headers) headers[titleCase(name)] = toHeader(details.headers[name] ?? "");
  if (object.deleteAt !== null) headers["X-Delete-At"] = Math.floor(object.deleteAt.getTime() / 1000);
  if (container.settings.versioning !== undefined) headers["X-Object-Version-Id"] = object.versionId;
  showLargeAndLinks(headers, shown);
  return headers;
}

function showLargeAndLinks(headers: ReplyHeaders, { object, kind, contentLocation }: ObjectShown): void {
  const { slo, dlo, symlink } = object.details;
  if (slo !== undefined) {
    headers["X-Static-Large-Object"] = "True";
    if (kind === "large") headers["X-Manifest-Etag"] = object.etag;
    else headers["Content-Type"] = "application/json; charset=utf-8";
  }
  if (dlo !== undefined) headers["X-Object-Manifest"] = quote(dlo);
  if (contentLocation !== null) headers["Content-Location"] = contentLocation;
  if (symlink === undefined) return;
  headers["X-Symlink-Target"] = `${quote(symlink.container)}/${quote(symlink.object)}`;
  if (symlink.account !== "") headers["X-Symlink-Target-Account"] = quote(symlink.account);
  if (symlink.etag !== undefined) headers["X-Symlink-Target-Etag"] = toHeader(symlink.etag);
}
