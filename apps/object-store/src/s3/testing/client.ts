/** A small client of S3 for tests: signs in every way there is, sends what no SDK would. Test files only. */
import { createHash, hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { request as httpRequest } from "@andromede/base/node-http";
import { buffer } from "node:stream/consumers";

import { signingKeyOf } from "@andromede/platform/tokens/signing-key";

import {
  canonicalQuery,
  canonicalRequest,
  signatureOf,
  stringToSign,
  uriEncode,
  uriEncodePath,
} from "../signature/canonical.ts";
import { type XmlElement, parseXml } from "../xml/parse.ts";

export type Credentials = { accessKey: string; secretKey: string };

export type Sent = {
  query?: { [name: string]: string };
  headers?: { [name: string]: string };
  body?: Buffer | string;
  /** `anonymous`: not signed; `unsigned`: the body is not; `chunked...`: aws-chunked. */
  sign?: "hash" | "unsigned" | "anonymous" | "chunked" | "chunked-trailer" | "unsigned-trailer";
  /** Of aws-chunked; 64 KiB unless said. */
  chunkBytes?: number;
  trailer?: { [name: string]: string };
  /** Moves the clock of the signature. */
  skewMs?: number;
  /** Spoils what was made, just before it is sent. */
  spoil?: (made: { headers: { [name: string]: string }; body: Buffer }) => void;
};

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
  /** Of an error. */
  code: string | undefined;
  xml(): XmlElement;
};

export type S3Client = {
  send(method: string, path: string, sent?: Sent): Promise<Answer>;
  /** A path of a bucket and a key, percent-encoded. */
  presign(
    method: string,
    path: string,
    options?: {
      expires?: number;
      query?: { [name: string]: string };
      skewMs?: number;
      headers?: { [name: string]: string };
    },
  ): string;
  raw(method: string, url: string, headers?: { [name: string]: string }, body?: Buffer): Promise<Answer>;
};

/** `/bucket/key` with everything encoded that must be. */
export const pathOf = (bucket: string, key = ""): string => `/${uriEncode(bucket)}/${uriEncodePath(key)}`;

const timestampOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;

const REGION = "us-east-1";

export function createS3Client(
  baseUrl: string,
  credentials: Credentials | null,
  options: {
    host?: string;
    now?: () => number;
    /** Of a store that speaks TLS. */
    ca?: Buffer;
    /** Sees every answer. */
    heard?: (what: string, answer: Answer) => void;
  } = {},
): S3Client {
  const base = new URL(baseUrl);
  const agent = options.ca === undefined ? undefined : new Agent({ ca: options.ca, keepAlive: true });
  const host = options.host ?? base.host;
  const now = options.now ?? Date.now;

  const raw: S3Client["raw"] = async (method, url, headers = {}, body) => {
    const target = new URL(base);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const where = { host: target.hostname, port: target.port, method, path: url, headers: { host, ...headers } };
    const request = agent === undefined ? httpRequest(where) : httpsRequest({ ...where, agent });
    request.once("response", (response) => {
      buffer(response).then((bytes) => resolve(toAnswer(response.statusCode ?? 0, response.headers, bytes)), reject);
    });
    request.once("error", reject);
    request.end(body);
    const answer = await promise;
    options.heard?.(`${method} ${url}`, answer);
    return answer;
  };

  return {
    raw,
    async send(method, path, sent = {}) {
      const body = Buffer.from(sent.body ?? "");
      const query = queryOf(sent.query);
      const url = query === "" ? path : `${path}?${query}`;
      const made = { headers: { ...sent.headers }, body };
      if (credentials !== null && sent.sign !== "anonymous")
        sign(made, { method, path, query, host, credentials, sent, nowMs: now() + (sent.skewMs ?? 0) });
      if (body.length > 0 || method === "PUT" || method === "POST")
        made.headers["content-length"] ??= String(made.body.length);
      sent.spoil?.(made);
      return raw(method, url, made.headers, made.body);
    },
    presign(method, path, { expires = 900, query = {}, skewMs = 0, headers = {} } = {}) {
      if (credentials === null) throw new Error("nobody signs");
      const timestamp = timestampOf(now() + skewMs);
      const scope = scopeOf(timestamp);
      const signed = { host, ...headers };
      const signedHeaders = Object.keys(signed).toSorted().join(";");
      const all = queryOf({
        ...query,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": `${credentials.accessKey}/${scope.text}`,
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": String(expires),
        "X-Amz-SignedHeaders": signedHeaders,
      });
      const canonical = canonicalRequest({
        method,
        path,
        query: canonicalQuery(all),
        headers: signed,
        signedHeaders,
        payload: "UNSIGNED-PAYLOAD",
      });
      const key = signingKeyOf(credentials.secretKey, scope);
      return `${path}?${all}&X-Amz-Signature=${signatureOf(key, stringToSign(timestamp, scope.text, canonical))}`;
    },
  };
}

const scopeOf = (timestamp: string): { date: string; region: string; service: string; text: string } => {
  const date = timestamp.slice(0, 8);
  return { date, region: REGION, service: "s3", text: `${date}/${REGION}/s3/aws4_request` };
};

const queryOf = (query: { [name: string]: string } = {}): string =>
  Object.entries(query)
    .map(([name, value]) => (value === "" ? uriEncode(name) : `${uriEncode(name)}=${uriEncode(value)}`))
    .join("&");

const PAYLOADS: { [sign: string]: string } = {
  unsigned: "UNSIGNED-PAYLOAD",
  chunked: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "chunked-trailer": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
  "unsigned-trailer": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

type Signing = {
  method: string;
  path: string;
  query: string;
  host: string;
  credentials: Credentials;
  sent: Sent;
  nowMs: number;
};

function sign(made: { headers: { [name: string]: string }; body: Buffer }, signing: Signing): void {
  const { method, path, query, host, credentials, sent, nowMs } = signing;
  const { headers } = made;
  const timestamp = timestampOf(nowMs);
  const scope = scopeOf(timestamp);
  const payload = PAYLOADS[sent.sign ?? "hash"] ?? createHash("sha256").update(made.body).digest("hex");
  headers["x-amz-date"] ??= timestamp;
  headers["x-amz-content-sha256"] ??= payload;
  if (payload.startsWith("STREAMING")) headers["x-amz-decoded-content-length"] ??= String(made.body.length);
  if (sent.trailer !== undefined) headers["x-amz-trailer"] ??= Object.keys(sent.trailer).join(",");
  const signed: { [name: string]: string } = { host };
  for (const [name, value] of Object.entries(headers)) signed[name.toLowerCase()] = value;
  const signedHeaders = Object.keys(signed).toSorted().join(";");
  const canonical = canonicalRequest({
    method,
    path,
    query: canonicalQuery(query),
    headers: signed,
    signedHeaders,
    payload: headers["x-amz-content-sha256"],
  });
  const signingKey = signingKeyOf(credentials.secretKey, scope);
  const seed = signatureOf(signingKey, stringToSign(timestamp, scope.text, canonical));
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope.text}, SignedHeaders=${signedHeaders}, Signature=${seed}`;
  if (payload.startsWith("STREAMING"))
    made.body = chunked(
      made.body,
      sent,
      payload.includes("AWS4") ? { signingKey, timestamp, scope: scope.text, seed } : null,
    );
}

type Chain = { signingKey: Buffer; timestamp: string; scope: string; seed: string };

function chunked(body: Buffer, sent: Sent, chain: Chain | null): Buffer {
  const size = sent.chunkBytes ?? 64 * 1024;
  const pieces: Buffer[] = [];
  let previous = chain?.seed ?? "";
  const signText = (kind: string, rest: string): string => {
    if (chain === null) return "";
    previous = signatureOf(chain.signingKey, `${kind}\n${chain.timestamp}\n${chain.scope}\n${previous}\n${rest}`);
    return previous;
  };
  const add = (chunk: Buffer): void => {
    const signature = signText(
      "AWS4-HMAC-SHA256-PAYLOAD",
      `${hash("sha256", "", "hex")}\n${hash("sha256", chunk, "hex")}`,
    );
    pieces.push(
      Buffer.from(`${chunk.length.toString(16)}${signature === "" ? "" : `;chunk-signature=${signature}`}\r\n`),
    );
    if (chunk.length > 0) pieces.push(chunk, Buffer.from("\r\n"));
  };
  for (let at = 0; at < body.length; at += size) add(body.subarray(at, at + size));
  add(Buffer.alloc(0));
  let trailer = "";
  for (const [name, value] of Object.entries(sent.trailer ?? {})) trailer += `${name}:${value}\n`;
  if (trailer !== "") {
    pieces.push(Buffer.from(trailer.replaceAll("\n", "\r\n")));
    const signature = signText("AWS4-HMAC-SHA256-TRAILER", hash("sha256", trailer, "hex"));
    if (signature !== "") pieces.push(Buffer.from(`x-amz-trailer-signature:${signature}\r\n`));
  }
  pieces.push(Buffer.from("\r\n"));
  return Buffer.concat(pieces);
}

function toAnswer(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  const text = body.toString();
  return {
    status,
    headers,
    body,
    text,
    code: /<Code>([^<]*)<\/Code>/.exec(text)?.[1],
    xml: () => parseXml(body),
  };
}
