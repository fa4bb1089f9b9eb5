/** Cross-origin requests: what a container's X-Container-Meta-Access-Control-* say of them. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import type { Container } from "../../namespace/container.model.ts";
import type { Reply } from "../wire/reply.ts";
import { refusal } from "../wire/refusal.ts";
import { toHeader } from "../wire/text.ts";

export const METHODS = {
  account: ["HEAD", "GET", "POST", "OPTIONS"],
  container: ["HEAD", "GET", "PUT", "POST", "DELETE", "OPTIONS"],
  object: ["HEAD", "GET", "PUT", "POST", "DELETE", "OPTIONS", "COPY"],
} as const;

const EXPOSED = [
  "cache-control",
  "content-language",
  "content-type",
  "expires",
  "last-modified",
  "pragma",
  "etag",
  "x-timestamp",
  "x-trans-id",
  "x-openstack-request-id",
];

const words = (text: string | undefined): string[] => (text ?? "").split(" ").filter((word) => word !== "");

function allowedOrigin(container: Container, origin: string): string | null {
  const origins = words(container.metadata["access-control-allow-origin"]);
  if (origins.length === 1 && origins[0] === "*") return "*";
  return origins.includes(origin) || origins.includes("*") ? origin : null;
}

/** Adds to an answer what lets the page that asked read it. */
export function dressForOrigin(container: Container | null, origin: string, { headers }: Reply): void {
  const allowed = container === null ? null : allowedOrigin(container, origin);
  if (container === null || allowed === null) return;
  headers["Access-Control-Allow-Origin"] = toHeader(allowed);
  if (allowed !== "*") vary(headers, "Origin");
  const exposed = new Set(EXPOSED);
  for (const name in headers) if (/^X-(Container|Object)-Meta/i.test(name)) exposed.add(name.toLowerCase());
  for (const name of words(container.metadata["access-control-expose-headers"])) exposed.add(name.toLowerCase());
  headers["Access-Control-Expose-Headers"] = toHeader([...exposed].join(", "));
}

function vary(headers: Reply["headers"], name: string): void {
  const before = headers["Vary"];
  headers["Vary"] = before === undefined ? name : `${before}, ${name}`;
}

/** OPTIONS. Without an origin it only says what there is; of a container that does not want it, 401. */
export function preflightReply(
  asked: IncomingHttpHeaders,
  level: keyof typeof METHODS,
  container: Container | null,
): Reply {
  const methods: readonly string[] = METHODS[level];
  const headers: Reply["headers"] = { Allow: methods.join(", ") };
  const { origin } = asked;
  if (origin === undefined || level === "account") return { status: 200, headers };
  const allowed = container === null ? null : allowedOrigin(container, origin);
  const method = asked["access-control-request-method"];
  if (container === null || allowed === null || method === undefined || !methods.includes(method))
    throw refusal(401, "", { headers });
  headers["Access-Control-Allow-Origin"] = toHeader(allowed);
  if (allowed !== "*") vary(headers, "Origin");
  const age = container.metadata["access-control-max-age"];
  if (age !== undefined) headers["Access-Control-Max-Age"] = toHeader(age);
  headers["Access-Control-Allow-Methods"] = methods.join(", ");
  const wanted = asked["access-control-request-headers"];
  if (wanted) {
    headers["Access-Control-Allow-Headers"] = wanted;
    vary(headers, "Access-Control-Request-Headers");
  }
  return { status: 200, headers };
}
