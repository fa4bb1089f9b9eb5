/** `/v1/<account>/<container>/<object>`, taken apart as Swift does: decoded first, then split. Pure. */
import { unquote } from "./text.ts";

export type SwiftPath = { account: string; container: string | null; object: string | null };

export const ACCOUNT_PREFIX = "AUTH_";

/** `invalid-text` is Swift's 412, `bad-url` too, `no-path` its 404. */
export function parsePath(rawPath: string): SwiftPath | "invalid-text" | "bad-url" | "no-path" {
  const path = unquote(rawPath);
  if (path === null) return "invalid-text";
  if (!path.startsWith("/v1/")) return path === "/v1" ? "bad-url" : "no-path";
  const accountEnd = path.indexOf("/", 4);
  const account = accountEnd < 0 ? path.slice(4) : path.slice(4, accountEnd);
  if (account === "") return "bad-url";
  if (accountEnd < 0 || accountEnd === path.length - 1) return { account, container: null, object: null };
  const containerEnd = path.indexOf("/", accountEnd + 1);
  const container = containerEnd < 0 ? path.slice(accountEnd + 1) : path.slice(accountEnd + 1, containerEnd);
  if (container === "") return "bad-url";
  if (containerEnd < 0 || containerEnd === path.length - 1) return { account, container, object: null };
  return { account, container, object: path.slice(containerEnd + 1) };
}

/** The project whose account that is; null for names that are none of ours. */
export const projectOf = (account: string): string | null =>
  account.startsWith(ACCOUNT_PREFIX) && account.length > ACCOUNT_PREFIX.length
    ? account.slice(ACCOUNT_PREFIX.length)
    : null;

export const accountOf = (projectId: string): string => ACCOUNT_PREFIX + projectId;

/** `container/object`, with or without a slash before it, percent-encoded; null when it is not of that form. */
export function parseObjectName(raw: string): { container: string; object: string } | null {
  const text = unquote(raw);
  if (text === null) return null;
  const name = text.startsWith("/") ? text.slice(1) : text;
  const slash = name.indexOf("/");
  if (slash <= 0 || slash === name.length - 1) return null;
  return { container: name.slice(0, slash), object: name.slice(slash + 1) };
}
