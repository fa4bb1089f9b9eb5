/** `/info` and `/healthcheck`: asked without a token. */
import { createHmac, timingSafeEqual } from "node:crypto";

import type { Exchange } from "../../http/exchange.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { type Query, toHeader } from "../wire/text.ts";
import { infoBody } from "./info.view.ts";

const body = infoBody();

export function infoReply({ method, request, store }: Exchange, query: Query): Reply {
  const headers: Reply["headers"] = { "Content-Type": "application/json; charset=UTF-8" };
  const { origin } = request.headers;
  if (origin !== undefined) {
    headers["Access-Control-Allow-Origin"] = toHeader(origin);
    headers["Access-Control-Expose-Headers"] = "x-trans-id";
  }
  if (method === "OPTIONS") return { status: 200, headers: { ...headers, Allow: "HEAD, GET, OPTIONS" } };
  if (method !== "GET" && method !== "HEAD") throw refusal(405, "", { headers: { Allow: "HEAD, GET, OPTIONS" } });
  if (!query["swiftinfo_sig"] && !query["swiftinfo_expires"]) return { status: 200, headers, body };
  checkAdmin(method, query, { key: store.config.swiftInfoKey, nowMs: store.clock.now() });
  return { status: 200, headers, body: adminBody };
}

/** What is hidden from everybody else: nothing is, but that there is nothing. */
const adminBody = `${body.slice(0, -1)},"admin":{"disallowed_sections":{}}}`;

/** Swift's own scheme: the operator's key signs the verb, the end and the path. Without a key nobody is one. */
function checkAdmin(method: string, query: Query, { key, nowMs }: { key: string | undefined; nowMs: number }): void {
  if (key === undefined) throw refusal(403);
  const expires = Number(query["swiftinfo_expires"] || Number.NaN);
  const given = query["swiftinfo_sig"] ?? "";
  if (!Number.isSafeInteger(expires) || expires * 1000 < nowMs) throw refusal(401);
  const isRight = (method === "HEAD" ? ["HEAD", "GET"] : ["GET"]).some((signed) => {
    const wanted = createHmac("sha256", key).update(`${signed}\n${expires}\n/info`).digest("hex");
    return wanted.length === given.length && timingSafeEqual(Buffer.from(wanted), Buffer.from(given));
  });
  if (!isRight) throw refusal(401);
}

export const healthReply = (): Reply => ({ status: 200, headers: { "Content-Type": "text/plain" }, body: "OK" });
