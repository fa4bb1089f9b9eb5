/** Signed by whom? The `Authorization` header and presigned queries; forms that are posted are in post-form. */
import type { IncomingHttpHeaders } from "node:http";

import type { Actor } from "@andromede/platform/tokens/actor";
import type { SigningScope } from "@andromede/platform/tokens/signing-key";

import type { AccessKeys, KnownAccessKey } from "../../access/access-keys.ts";
import type { Door } from "../../store.ts";
import { s3Error } from "../errors.ts";
import type { Query } from "../query.ts";
import { type Caller, type Payload, type SignatureChain, anonymousCaller } from "./caller.ts";
import {
  canonicalPath,
  canonicalQuery,
  canonicalRequest,
  isSameSignature,
  parseTimestamp,
  signatureOf,
  stringToSign,
} from "./canonical.ts";

const ALGORITHM = "AWS4-HMAC-SHA256";
const SKEW_MS = 15 * 60_000;
const WEEK_S = 7 * 24 * 3600;
const HEX64 = /^[0-9a-f]{64}$/;

export type Presented = {
  method: string;
  rawPath: string;
  rawQuery: string;
  query: Query;
  headers: IncomingHttpHeaders;
};

type Deps = { accessKeys: AccessKeys; door: Door; nowMs: number };

/** Throws what S3 answers when a signature is not right; a request without any is anonymous. */
export function authenticate(presented: Presented, deps: Deps): Promise<Caller> | Caller {
  const { authorization } = presented.headers;
  if (authorization !== undefined) return byHeader(presented, authorization, deps);
  if (presented.query.has("X-Amz-Algorithm")) return byQuery(presented, deps);
  if (presented.query.has("AWSAccessKeyId") && presented.query.has("Signature")) throw notVersion4();
  return anonymousCaller(payloadOf(header(presented.headers, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD", null));
}

const notVersion4 = (): Error =>
  s3Error(
    "InvalidRequest",
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
  );

const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
};

export type Credential = { accessKey: string; scope: SigningScope; text: string };

/** `key/20130524/us-east-1/s3/aws4_request`; an access key may have slashes, its scope has none. */
export function parseCredential(text: string): Credential | null {
  const pieces = text.split("/");
  const [date, region, service, end] = pieces.slice(-4);
  if (pieces.length < 5 || date === undefined || region === undefined || service === undefined) return null;
  if (end !== "aws4_request" || service !== "s3" || !/^\d{8}$/.test(date)) return null;
  const accessKey = pieces.slice(0, -4).join("/");
  if (accessKey === "" || accessKey.length > 256) return null;
  return { accessKey, scope: { date, region, service }, text: `${date}/${region}/${service}/${end}` };
}

/** The members of `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`. */
function parseAuthorization(text: string): { credential: Credential; signedHeaders: string; signature: string } {
  const malformed = (why: string): Error =>
    s3Error("AuthorizationHeaderMalformed", `The authorization header is malformed; ${why}`);
  const members: { [name: string]: string } = {};
  for (const piece of text.slice(ALGORITHM.length).split(",")) {
    const equals = piece.indexOf("=");
    if (equals < 0) throw malformed("a member has no value.");
    members[piece.slice(0, equals).trim()] = piece.slice(equals + 1).trim();
  }
  const signedHeaders = members["SignedHeaders"];
  const signature = members["Signature"];
  const credential = parseCredential(members["Credential"] ?? "");
  if (credential === null)
    throw malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".');
  if (signedHeaders === undefined || signedHeaders === "") throw malformed("SignedHeaders is missing.");
  if (signature === undefined || signature === "") throw malformed("Signature is missing.");
  return { credential, signedHeaders, signature };
}

async function byHeader(presented: Presented, authorization: string, deps: Deps): Promise<Caller> {
  if (!authorization.startsWith(`${ALGORITHM} `)) throw notVersion4();
  const { headers } = presented;
  const { credential, signedHeaders, signature } = parseAuthorization(authorization);
  const { timestamp, signedAtMs } = signingTime(headers);
  if (Math.abs(deps.nowMs - signedAtMs) > SKEW_MS) throw s3Error("RequestTimeTooSkewed");
  if (!timestamp.startsWith(credential.scope.date))
    throw s3Error("AuthorizationHeaderMalformed", "The authorization header is malformed; Invalid credential date.");
  const declared = header(headers, "x-amz-content-sha256");
  if (declared === undefined)
    throw s3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  assertSigned(headers, signedHeaders);
  const known = await findKey(credential, deps);
  verify(presented, { known, credential, timestamp, signedHeaders, signature, payload: declared });
  const chain = { signingKey: known.signingKey, timestamp, scope: credential.text, seed: signature };
  const payload = payloadOf(declared, chain);
  return { actor: known.actor, accessKey: credential.accessKey, authType: "REST-HEADER", signedAtMs, payload };
}

/** `x-amz-date`, or `Date` where that is all there is. */
function signingTime(headers: IncomingHttpHeaders): { timestamp: string; signedAtMs: number } {
  const amz = header(headers, "x-amz-date");
  if (amz !== undefined) {
    const time = parseTimestamp(amz);
    if (time !== null) return { timestamp: amz, signedAtMs: time };
  } else if (headers.date !== undefined) {
    const time = parseTimestamp(headers.date) ?? Date.parse(headers.date);
    if (!Number.isNaN(time))
      return { timestamp: `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`, signedAtMs: time };
  }
  throw s3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
}

/** What says who and what must be under the signature, or anybody on the way could add it. */
function assertSigned(headers: IncomingHttpHeaders, signedHeaders: string): void {
  const list = `;${signedHeaders};`;
  if (!list.includes(";host;")) throw headersNotSigned("host");
  for (const name in headers) {
    if (name.startsWith("x-amz-") && !list.includes(`;${name};`)) throw headersNotSigned(name);
  }
}

const headersNotSigned = (name: string): Error =>
  s3Error("AccessDenied", `There were headers present in the request which were not signed: ${name}`);

/** Rule 9: the customers' door does not know operators' accounts. */
const isAdmitted = (actor: Actor, door: Door): boolean => door.plane === "operator" || actor.directory === "customer";

export async function findKey(credential: Credential, { accessKeys, door }: Deps): Promise<KnownAccessKey> {
  // what no key can look like is not asked about
  const known = /^[\w.\-+=:]{1,128}$/.test(credential.accessKey)
    ? await accessKeys.find(credential.accessKey, credential.scope)
    : null;
  if (known === null || !isAdmitted(known.actor, door)) throw s3Error("InvalidAccessKeyId");
  return known;
}

type Claim = {
  known: KnownAccessKey;
  credential: Credential;
  timestamp: string;
  signedHeaders: string;
  signature: string;
  payload: string;
};

function verify(presented: Presented, claim: Claim, without?: string): void {
  const { method, rawPath, rawQuery, headers } = presented;
  const { signedHeaders, payload } = claim;
  const query = canonicalQuery(rawQuery, without);
  const isRight = (path: string): boolean => {
    const canonical = canonicalRequest({ method, path, query, headers, signedHeaders, payload });
    const text = stringToSign(claim.timestamp, claim.credential.text, canonical);
    return isSameSignature(claim.signature, signatureOf(claim.known.signingKey, text));
  };
  const path = canonicalPath(rawPath);
  // some clients sign the path as they send it, with characters that they did not encode
  if (!isRight(path) && (path === rawPath || !isRight(rawPath))) throw s3Error("SignatureDoesNotMatch");
}

const badQuery = (message: string): Error => s3Error("AuthorizationQueryParametersError", message);

type PresignedQuery = {
  credential: Credential;
  signature: string;
  signedHeaders: string;
  timestamp: string;
  signedAtMs: number;
  expiresS: number;
};

/** The parameters of a presigned request. */
function parsePresigned(query: Query): PresignedQuery {
  if (query.get("X-Amz-Algorithm") !== ALGORITHM)
    throw badQuery('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"');
  const need = (name: string): string => {
    const value = query.get(name);
    if (value === undefined || value === "")
      throw badQuery(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
      );
    return value;
  };
  const [signature, signedHeaders] = [need("X-Amz-Signature"), need("X-Amz-SignedHeaders")];
  const [timestamp, expires] = [need("X-Amz-Date"), need("X-Amz-Expires")];
  const credential = parseCredential(need("X-Amz-Credential"));
  if (credential === null) throw badQuery("Error parsing the X-Amz-Credential parameter");
  const signedAtMs = parseTimestamp(timestamp);
  if (signedAtMs === null || !timestamp.startsWith(credential.scope.date))
    throw badQuery("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const expiresS = /^\d{1,9}$/.test(expires) ? Number(expires) : 0;
  if (expiresS > WEEK_S || expiresS < 1)
    throw badQuery("X-Amz-Expires must be a number of seconds: at least 1, at most a week (604800)");
  return { credential, signature, signedHeaders, timestamp, signedAtMs, expiresS };
}

async function byQuery(presented: Presented, deps: Deps): Promise<Caller> {
  const { query, headers } = presented;
  const { credential, signature, signedHeaders, timestamp, signedAtMs, expiresS } = parsePresigned(query);
  if (signedAtMs - deps.nowMs > SKEW_MS) throw s3Error("AccessDenied", "Request is not valid yet");
  if (deps.nowMs > signedAtMs + expiresS * 1000) throw s3Error("AccessDenied", "Request has expired");
  const payload = query.get("X-Amz-Content-Sha256") ?? header(headers, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
  // what the payload's hash is is in the signature itself
  assertSigned(headers, `${signedHeaders};x-amz-content-sha256`);
  const known = await findKey(credential, deps);
  verify(presented, { known, credential, timestamp, signedHeaders, signature, payload }, "X-Amz-Signature");
  const chain = { signingKey: known.signingKey, timestamp, scope: credential.text, seed: signature };
  return {
    actor: known.actor,
    accessKey: credential.accessKey,
    authType: "REST-QUERY-STRING",
    signedAtMs,
    payload: payloadOf(payload, chain),
  };
}

/** Reads x-amz-content-sha256. `chain` null: nobody signed. */
function payloadOf(declared: string, chain: SignatureChain | null): Payload {
  switch (declared) {
    case "UNSIGNED-PAYLOAD":
      return { kind: "unsigned" };
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { kind: "chunked", trailer: true, chain: null };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      if (chain === null) throw s3Error("AccessDenied");
      return { kind: "chunked", trailer: declared.endsWith("-TRAILER"), chain };
    default:
      if (!HEX64.test(declared))
        throw s3Error(
          "InvalidArgument",
          "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        );
      return { kind: "hash", sha256: declared };
  }
}
