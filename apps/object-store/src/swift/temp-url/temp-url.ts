/** Signed URLs: whoever has one may do the one thing it is for. */
import { createHmac, timingSafeEqual } from "node:crypto";

import { amendAccess } from "../../access-logs/watch.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { toHttpDate } from "../wire/http-date.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { quote, toHeader } from "../wire/text.ts";
import { PAGE_MARK } from "../static-web/static-web.view.ts";
import { isInRange } from "./address-range.ts";
import { type ScopedKey, keysFor } from "./keys.ts";
import {
  ALLOWED_DIGESTS,
  FORBIDDEN_HEADERS,
  SIGNABLE,
  type TempUrl,
  readSignature,
  readTempUrl,
  signedMethods,
  signedText,
} from "./temp-url.model.ts";

const wrong = (): Error => refusal(401, "401 Unauthorized: Temp URL invalid\n");

/** The request as its bearer may make it, and what its answer must look like; null: the URL is not signed. */
export async function admitTempUrl(
  request: SwiftRequest,
): Promise<{ request: SwiftRequest; dress(reply: Reply): Reply } | null> {
  const { method, query, headers, store } = request;
  if (method === "OPTIONS") return null;
  const url = readTempUrl(query, store.clock.now());
  if (url === null) return null;
  const bearer = await bearerOf(request, url);
  if (bearer === null) throw wrong();
  amendAccess(request.exchange, { requester: null, authType: "TempURL" });
  if (method !== "GET" && method !== "HEAD") {
    const forbidden = FORBIDDEN_HEADERS.find((name) => headers[name] !== undefined);
    if (forbidden !== undefined) throw refusal(400, `The header '${forbidden}' is not allowed in this tempurl`);
  }
  const { "x-auth-token": _token, "x-storage-token": _other, ...kept } = headers;
  const admitted: SwiftRequest = {
    ...request,
    headers: kept,
    // nothing else of the query was signed
    query: Object.fromEntries(Object.entries(query).filter(([name]) => KEPT_QUERY.has(name))),
    caller: { ...request.caller, actor: null, isReseller: false, bearer },
    origin: request.exchange.origin(null),
  };
  return { request: admitted, dress: (reply) => dress(request, url, reply) };
}

const KEPT_QUERY = new Set([
  "temp_url_sig",
  "temp_url_expires",
  "temp_url_prefix",
  "temp_url_ip_range",
  "filename",
  "inline",
]);

async function bearerOf(request: SwiftRequest, url: TempUrl): Promise<ScopedKey["bearer"] | null> {
  const { method, account, container } = request;
  const signature = readSignature(url.signature);
  if (signature === null || !ALLOWED_DIGESTS.includes(signature.digest) || url.expires === 0) return null;
  const name = signableName(request, url);
  if (name === null || container === null || !isFromRange(request, url)) return null;
  const path = `/v1/${account}/${container}/${url.prefix ?? name}`;
  const given = Buffer.from(signature.hex, "hex");
  for (const { key, bearer } of await keysFor(request, container))
    for (const signed of signedMethods(method)) {
      const wanted = createHmac(signature.digest, key)
        .update(signedText(signed, url, path))
        .digest();
      if (timingSafeEqual(wanted, given)) return bearer;
    }
  return null;
}

/** The object's name; '' for a container itself, which may only be looked at with what is signed for all of it. */
function signableName({ method, object }: SwiftRequest, { prefix }: TempUrl): string | null {
  if (!SIGNABLE.has(method)) return null;
  const name = object ?? "";
  const isAll = prefix === "" && (method === "GET" || method === "HEAD");
  if (name.replaceAll("/", "") === "" && !isAll) return null;
  return prefix === null || name.startsWith(prefix) ? name : null;
}

function isFromRange({ exchange: { address } }: SwiftRequest, { ipRange }: TempUrl): boolean {
  return ipRange === null || (address !== null && isInRange(address, ipRange));
}

/** No metadata but the public; a name to save it under; an end to how long it is kept. */
function dress({ method, object }: SwiftRequest, url: TempUrl, reply: Reply): Reply {
  const { headers, status } = reply;
  for (const name of Object.keys(headers)) if (/^x-object-meta-(?!public-)/i.test(name)) delete headers[name];
  const isPage = headers[PAGE_MARK] !== undefined;
  delete headers[PAGE_MARK];
  if ((method !== "GET" && method !== "HEAD") || status < 200 || status > 299) return reply;
  if (object === null && !isPage) throw wrong();
  headers["Content-Disposition"] = toHeader(disposition(url, isPage, object ?? "", headers["Content-Disposition"]));
  headers["Expires"] = toHttpDate(url.expires * 1000);
  return reply;
}

function disposition(url: TempUrl, isPage: boolean, object: string, kept: string | number | undefined): string {
  if (url.isInline || isPage) return url.filename === null ? "inline" : dispositionOf("inline", url.filename);
  if (url.filename !== null) return dispositionOf("attachment", url.filename);
  if (kept !== undefined) return String(kept);
  return dispositionOf("attachment", object.replace(/\/+$/, "").split("/").at(-1) ?? "");
}

const dispositionOf = (kind: string, filename: string): string =>
  `${kind}; filename="${quote(filename, " /")}"; filename*=UTF-8''${quote(filename)}`;
