/** Microversion 3.15: who changes metadata may say what it was when they last looked, and change nothing else. */
import { createHash } from "node:crypto";

import { conflict } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";

type Metadata = { [key: string]: string };

/** MD5 of the answer's bytes, as Cinder's: no secret depends on it. */
const etagOf = (metadata: Metadata): string => createHash("md5").update(JSON.stringify({ metadata })).digest("hex");

export const metadataHeaders = (
  { version }: Pick<ApiRequest, "version">,
  metadata: Metadata,
): { etag: string } | undefined => (version >= 15 ? { etag: etagOf(metadata) } : undefined);

/** `change`, unless `If-Match` names other metadata than there is. Asked while the volume is held. */
export function ifMatching(
  { version, headers }: Pick<ApiRequest, "version" | "headers">,
  change: (current: Metadata) => Metadata,
): (current: Metadata) => Metadata {
  const expected = headers["if-match"];
  if (version < 15 || expected === undefined || expected.trim() === "*") return change;
  const tags = expected.split(",").map((tag) => tag.trim().replace(/^(?:W\/)?"?(.*?)"?$/, "$1"));
  return (current) => {
    if (tags.includes(etagOf(current))) return change(current);
    throw conflict("The metadata has changed meanwhile.", { status: 412 });
  };
}
