/** S3 on the store: from a request to its operation, and from an error to its answer. */
import type { CloudError } from "@andromede/base/errors";
import { isAllowed } from "@andromede/platform/tokens/access-rules";

import type { Exchange, Front } from "../http/exchange.ts";
import { bucketOfHost } from "../http/front.ts";
import { type Address, parseAddress } from "./address.ts";
import { isPermitted } from "./authorize/access.ts";
import { createBucket } from "./buckets/create-bucket.ts";
import { findBucket } from "./buckets.ts";
import type { BucketCall, Call } from "./call.ts";
import { allowOrigin, preflight } from "./cors.ts";
import { errorDocument } from "./error.view.ts";
import { s3Error, toAnswer } from "./errors.ts";
import { logCall } from "./log-call.ts";
import { listBuckets } from "./listings/listings.handlers.ts";
import { type Query, parseQuery } from "./query.ts";
import { recordRefusal } from "../http/refusals.ts";
import { routeKey } from "./route-key.ts";
import { BUCKET_ROUTES, OBJECT_ROUTES } from "./routes.ts";
import { authenticate } from "./signature/authenticate.ts";
import { type Caller, anonymousCaller } from "./signature/caller.ts";
import { sendErrorPage, serveWebsite } from "./website/serve-website.ts";

const NOBODY = anonymousCaller({ kind: "unsigned" });

/** What is known of a request when it fails. */
type Known = { caller: Caller; bucket: string | null; isWebsite: boolean };
const known = new WeakMap<Exchange, Known>();

export const s3Front: Front = { handle, fail };

async function handle(exchange: Exchange): Promise<void> {
  const { store, request, response } = exchange;
  response.setHeader("x-amz-request-id", exchange.transactionId);
  const { headers } = request;
  const host = headers.host ?? "";
  const site = bucketOfHost(host, store.config.s3WebsiteDomains ?? []);
  const query = parseQuery(exchange.rawQuery);
  if (site !== null) {
    known.set(exchange, { caller: NOBODY, bucket: site, isWebsite: true });
    return serveWebsite({ exchange, store, headers, query, caller: NOBODY }, site);
  }
  const address = parseAddress(exchange.rawPath, bucketOfHost(host, store.config.s3Domains ?? []));
  if (exchange.method === "OPTIONS") return preflight({ exchange, store, headers, query, caller: NOBODY }, address);
  const caller = await identify(exchange, query).catch(async (error: unknown) => {
    await logStranger({ exchange, store, headers, query, caller: NOBODY }, address);
    throw error;
  });
  known.set(exchange, { caller, bucket: address.bucket, isWebsite: false });
  await dispatch({ exchange, store, headers, query, caller }, address);
}

async function identify(exchange: Exchange, query: Query): Promise<Caller> {
  const { store, door, method, rawPath, rawQuery, request } = exchange;
  const presented = { method, rawPath, rawQuery, query, headers: request.headers };
  const caller = await authenticate(presented, { accessKeys: store.accessKeys, door, nowMs: store.clock.now() });
  const rules = caller.actor?.accessRules;
  if (rules !== undefined && !isAllowed(rules, { service: "object-store", mount: "", method, path: rawPath }))
    throw s3Error("AccessDenied");
  return caller;
}

/** Who failed to sign is told of in the bucket's log too, if the name is one that everybody knows. */
async function logStranger(call: Call, { bucket, key }: Address): Promise<void> {
  if (bucket === null || bucket.includes(":")) return;
  try {
    const container = await call.store.namespace.findGlobalContainer(bucket);
    if (container !== null) logCall(call, container, key);
  } catch (error) {
    call.store.log.warn({ error }, "a request that was not signed well could not be logged");
  }
}

function dispatch(call: Call, { bucket, key }: Address): Promise<void> {
  const { method } = call.exchange;
  const { key: route, subresource } = routeKey(method, call.query);
  if (bucket === null) {
    if (route !== "GET") throw s3Error(subresource === null ? "MethodNotAllowed" : "NotImplemented");
    chargeOwn(call);
    return listBuckets(call);
  }
  if (key === null) {
    if (route === "PUT") {
      chargeOwn(call);
      return createBucket(call, bucket);
    }
    return onBucket(call, bucket, route, subresource);
  }
  const run = OBJECT_ROUTES[route];
  if (run === undefined) throw notHere(subresource);
  return enter(call, bucket, (inside) => run({ ...inside, key }), key);
}

/** What is of no bucket yet is the actor's own project's. */
function chargeOwn({ caller, exchange }: Call): void {
  const projectId = caller.actor?.projectId ?? null;
  if (projectId !== null) exchange.charge(projectId);
}

/** What Amazon has and we do not is 501, what nobody has is 405. */
const notHere = (subresource: string | null): CloudError =>
  s3Error(subresource === null ? "MethodNotAllowed" : "NotImplemented");

function onBucket(call: Call, bucket: string, route: string, subresource: string | null): Promise<void> {
  const found = BUCKET_ROUTES[route];
  if (found === undefined) throw notHere(subresource);
  return enter(call, bucket, (inside) => {
    if (found.action !== null && !isPermitted(inside, found.action)) throw s3Error("AccessDenied");
    return found.run(inside);
  });
}

async function enter(
  call: Call,
  bucket: string,
  run: (inside: BucketCall) => Promise<void>,
  key?: string,
): Promise<void> {
  const container = await findBucket(call, bucket, key);
  if (container === null) throw s3Error("NoSuchBucket");
  logCall(call, container, key ?? null);
  call.exchange.charge(container.projectId);
  if (call.headers.origin !== undefined) allowOrigin(call, container);
  assertOwner(call, container.projectId);
  const { exchange, store, headers, query, caller } = call;
  await run({ exchange, store, headers, query, caller, bucket, container });
}

/** A client that knows whose bucket it expects is not to be served by another's of the same name. */
function assertOwner(call: Call, projectId: string): void {
  const expected = call.headers["x-amz-expected-bucket-owner"];
  if (expected !== undefined && expected !== projectId) throw s3Error("AccessDenied");
}

function fail(exchange: Exchange, error: CloudError): void {
  const { response, method, transactionId, rawPath } = exchange;
  const what = known.get(exchange);
  recordRefusal(exchange, what?.caller.actor ?? null, error);
  const { code, status, message } = toAnswer(error);
  if (exchange.watch !== null) exchange.watch.errorCode = code;
  if (what?.isWebsite === true) return sendErrorPage(exchange, error);
  if (status === 503) response.setHeader("retry-after", "1");
  const body = Buffer.from(errorDocument({ code, message, bucket: what?.bucket ?? null, rawPath, transactionId }));
  if (method === "HEAD") {
    response.writeHead(status);
    response.end();
    return;
  }
  response.writeHead(status, { "content-type": "application/xml", "content-length": body.length });
  response.end(body);
}
