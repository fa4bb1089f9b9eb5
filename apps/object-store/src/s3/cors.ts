/** Browsers: preflights, and what the answers to their requests say. */
import type { Container } from "../namespace/container.model.ts";
import { type Address } from "./address.ts";
import { sendEmpty } from "./answer.ts";
import { getBucket } from "./buckets.ts";
import type { Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import { logCall } from "./log-call.ts";
import { type CorsRule, corsHeaders, findRule } from "./settings/cors.ts";

const headerNames = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

/** OPTIONS. Nobody signs it. */
export async function preflight(call: Call, { bucket }: Address): Promise<void> {
  const { origin } = call.headers;
  const method = call.headers["access-control-request-method"];
  if (origin === undefined) throw s3Error("BadRequest", "Insufficient information. Origin request header needed.");
  if (method === undefined) throw s3Error("BadRequest", "Invalid Access-Control-Request-Method: null");
  if (bucket === null) throw s3Error("AccessForbidden");
  const container = await getBucket(call, bucket);
  logCall(call, container, null, "REST.OPTIONS.PREFLIGHT");
  call.exchange.charge(container.projectId);
  const asked = { origin, method, headers: headerNames(call.headers["access-control-request-headers"]) };
  const rule = findRule((container.settings.cors as CorsRule[] | undefined) ?? [], asked);
  if (rule === undefined) throw s3Error("AccessForbidden");
  sendEmpty(call, 200, corsHeaders(rule, asked));
}

/** Sets the headers of the answer, whatever it will be. */
export function allowOrigin(call: Call, container: Container): void {
  const { origin } = call.headers;
  const rules = container.settings.cors as CorsRule[] | undefined;
  if (origin === undefined || rules === undefined) return;
  // a request that says which method it asks for is answered for that one, as Amazon and Ceph do
  const method = call.headers["access-control-request-method"] ?? call.exchange.method;
  const asked = { origin, method, headers: [] };
  const rule = findRule(rules, asked);
  if (rule === undefined) return;
  const headers = corsHeaders(rule, asked);
  for (const name in headers) call.exchange.response.setHeader(name, headers[name] ?? "");
}
