/** `X-Object-Manifest`. Pure. */
import { type CloudError, invalid } from "@andromede/base/errors";

import { unquote } from "../wire/text.ts";

export const invalidManifest = (): CloudError => invalid("X-Object-Manifest must be in the format container/prefix");

/** `container/prefix`, decoded. */
export function parseDlo(header: string): string {
  const [container = "", ...rest] = header.split("/");
  const prefix = rest.join("/");
  if (container === "" || prefix === "" || prefix.startsWith("/") || /[?&]/.test(header)) throw invalidManifest();
  const decoded = unquote(header);
  if (decoded === null) throw invalidManifest();
  return decoded;
}
