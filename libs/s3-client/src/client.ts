/** Requests to the S3 server that keeps bytes of ours, signed (AWS Signature Version 4), addressed by path. */
import { createHmac, hash } from "node:crypto";
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { getCACertificates } from "node:tls";

import { type CloudError, internal, noCapacity, notFound, unavailable } from "@andromede/base/errors";
import { signingKeyOf } from "@andromede/platform/tokens/signing-key";

export type S3Config = {
  endpoint: string;
  region: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
  /** Certificates to trust besides the system's, PEM. */
  ca?: string;
};

export type S3Request = {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below the bucket, without a slash before it; of characters that need no encoding. */
  key: string;
  query?: { [name: string]: string };
  range?: { first: number; last: number };
  /** Others that go along, signed; names in lower case. */
  headers?: { [name: string]: string };
  /** Made anew for each try. */
  body?: { bytes: number; sha256: string; stream: () => Readable | Buffer };
  /** Nobody waits for it any more: it is cut off, and not tried again. */
  signal?: AbortSignal;
};

export type S3Client = {
  /** The answer's head; its body MUST be read or destroyed. Statuses other than these throw. */
  send(request: S3Request, expected: readonly number[]): Promise<IncomingMessage>;
  /** The same with the answer's body as text. */
  ask(
    request: S3Request,
    expected: readonly number[],
  ): Promise<{ status: number; text: string; headers: IncomingHttpHeaders }>;
  /** Ends the connections that are kept for later. */
  close(): void;
};

/** A body that is all there. */
export const bodyOf = (bytes: Buffer): NonNullable<S3Request["body"]> => ({
  bytes: bytes.length,
  sha256: hash("sha256", bytes),
  stream: () => bytes,
});

const TRIES = 4;
const TIMEOUT_MS = 60_000;
const NO_BODY = hash("sha256", "");

/** A client of one bucket. What the server cannot answer now is asked for again, three times at most. */
export function createS3Client(config: S3Config): S3Client {
  const base = new URL(config.endpoint);
  const isTls = base.protocol === "https:";
  const agent = isTls
    ? new HttpsAgent({
        keepAlive: true,
        maxSockets: 64,
        ...(config.ca === undefined ? {} : { ca: [...getCACertificates("default"), config.ca] }),
      })
    : new HttpAgent({ keepAlive: true, maxSockets: 64 });

  function once(asked: S3Request): Promise<IncomingMessage> {
    const path = `/${config.bucket}${asked.key === "" ? "" : `/${asked.key}`}`;
    const query = canonicalQuery(asked.query ?? {});
    const headers = sign(config, { asked, host: base.host, path, query, at: new Date() });
    return new Promise((resolve, reject) => {
      const outgoing = (isTls ? httpsRequest : httpRequest)(
        {
          protocol: base.protocol,
          hostname: base.hostname,
          port: base.port,
          method: asked.method,
          path: query === "" ? path : `${path}?${query}`,
          headers,
          agent,
          timeout: TIMEOUT_MS,
          ...(asked.signal === undefined ? {} : { signal: asked.signal }),
        },
        resolve,
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error("no answer for a minute")));
      outgoing.on("error", reject);
      const body = asked.body?.stream();
      if (body === undefined || Buffer.isBuffer(body)) return void outgoing.end(body);
      body.on("error", (error) => outgoing.destroy(error));
      outgoing.on("close", () => body.destroy());
      body.pipe(outgoing);
    });
  }

  async function send(asked: S3Request, expected: readonly number[]): Promise<IncomingMessage> {
    for (let tries = 1; ; tries += 1) {
      const failure = await once(asked).then(
        async (answer) => {
          if (expected.includes(answer.statusCode ?? 0)) return { answer };
          const error = refusal(asked, answer.statusCode ?? 0, await text(answer).catch(() => ""));
          return { error, again: error.kind === "unavailable" };
        },
        (cause: unknown) => ({
          error: unavailable("The server that keeps the bytes does not answer", { cause }),
          again: asked.signal?.aborted !== true,
        }),
      );
      if ("answer" in failure) return failure.answer;
      if (!failure.again || tries === TRIES) throw failure.error;
      await delay(50 * 4 ** (tries - 1));
    }
  }

  return {
    send,
    async ask(asked, expected) {
      const answer = await send(asked, expected);
      return { status: answer.statusCode ?? 0, text: await text(answer), headers: answer.headers };
    },
    close: () => agent.destroy(),
  };
}

function refusal({ method, key }: S3Request, status: number, said: string): CloudError {
  const code = /<Code>([^<]*)</.exec(said)?.[1] ?? "";
  const cause = new Error(`${method} ${key}: ${status} ${code}`);
  if (status === 404) return notFound("These bytes are not there", { cause });
  if (status === 507 || code === "QuotaExceeded") return noCapacity("There is no room left", { cause });
  if (status >= 500) return unavailable("The server that keeps the bytes cannot answer now", { cause });
  return internal("The server that keeps the bytes refused", { cause });
}

const encode = (part: string): string =>
  encodeURIComponent(part).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const canonicalQuery = (query: { [name: string]: string }): string =>
  Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");

type ToSign = { asked: S3Request; host: string; path: string; query: string; at: Date };

/** The headers of a request, its signature among them. */
export function sign(
  config: Pick<S3Config, "region" | "accessKey" | "secretKey">,
  { asked, host, path, query, at }: ToSign,
): { [name: string]: string } {
  const time = at.toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const date = time.slice(0, 8);
  const payload = asked.body?.sha256 ?? NO_BODY;
  const signed: { [name: string]: string } = {
    host,
    ...(asked.range === undefined ? {} : { range: `bytes=${asked.range.first}-${asked.range.last}` }),
    ...asked.headers,
    "x-amz-content-sha256": payload,
    "x-amz-date": time,
  };
  const names = Object.keys(signed).sort();
  const canonical = [
    asked.method,
    path,
    query,
    ...names.map((name) => `${name}:${signed[name] ?? ""}`),
    "",
    names.join(";"),
    payload,
  ].join("\n");
  const scope = `${date}/${config.region}/s3/aws4_request`;
  const key = signingKeyOf(config.secretKey, { date, region: config.region, service: "s3" });
  const signature = createHmac("sha256", key)
    .update(["AWS4-HMAC-SHA256", time, scope, hash("sha256", canonical)].join("\n"))
    .digest("hex");
  return {
    ...signed,
    ...(asked.body === undefined ? {} : { "content-length": String(asked.body.bytes) }),
    authorization: `AWS4-HMAC-SHA256 Credential=${config.accessKey}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}
