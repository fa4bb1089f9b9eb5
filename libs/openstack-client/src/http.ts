import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import { unavailable } from "@andromede/base/errors";

export type HttpResponse = { status: number; headers: IncomingMessage["headers"]; body: Buffer };
export type HttpRequest = {
  method: string;
  url: string;
  headers?: { [name: string]: string };
  /** Sent as it is; a stream is piped. */
  body?: string | Buffer | Readable;
  timeoutMs?: number;
};

/** Sends requests over connections it keeps alive; trusts the given authority instead of the machine's when one is named. */
export type Http = { send(request: HttpRequest): Promise<HttpResponse>; close(): void };

const DEFAULT_TIMEOUT_MS = 60_000;

/** `caFile`: PEM of the authority that signed the servers' certificates. */
export function createHttp(options: { caFile?: string; maxConnections?: number } = {}): Http {
  const shared = { keepAlive: true, maxSockets: options.maxConnections ?? 16 };
  const plain = new HttpAgent(shared);
  const secure = new HttpsAgent({
    ...shared,
    ...(options.caFile === undefined ? {} : { ca: readFileSync(options.caFile) }),
  });
  return {
    async send(request) {
      try {
        return await sendOnce(request, plain, secure);
      } catch (error) {
        // Most likely a connection that the server closed while it was idle. Only what may be done twice is sent again.
        if (!isStale(error) || request.method === "POST" || isStream(request.body))
          throw unavailable(`${request.method} ${request.url}: no answer`, { cause: error });
        return sendOnce(request, plain, secure).catch((cause: unknown) => {
          throw unavailable(`${request.method} ${request.url}: no answer`, { cause });
        });
      }
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

const isStream = (body: HttpRequest["body"]): body is Readable => typeof body === "object" && !Buffer.isBuffer(body);
const isStale = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  (error.code === "ECONNRESET" || error.code === "EPIPE") &&
  "reusedSocket" in error;

async function sendOnce(request: HttpRequest, plain: HttpAgent, secure: HttpsAgent): Promise<HttpResponse> {
  const options: RequestOptions = {
    method: request.method,
    headers: headersOf(request),
    timeout: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  };
  const outgoing = request.url.startsWith("https:")
    ? httpsRequest(request.url, { ...options, agent: secure })
    : httpRequest(request.url, { ...options, agent: plain });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", (error) =>
      reject(outgoing.reusedSocket ? Object.assign(error, { reusedSocket: true }) : error),
    );
    outgoing.once("timeout", () => outgoing.destroy(new Error(`nothing heard for ${options.timeout} ms`)));
  });
  const response = await Promise.race([answered, sendBody(outgoing, request.body).then(() => answered)]);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
}

function headersOf({ headers = {}, body }: HttpRequest): { [name: string]: string | number } {
  return typeof body === "string" || Buffer.isBuffer(body)
    ? { ...headers, "content-length": Buffer.byteLength(body) }
    : headers;
}

async function sendBody(outgoing: ClientRequest, body: HttpRequest["body"]): Promise<void> {
  if (isStream(body)) {
    // A server that refuses early closes its side; its answer is what counts.
    await pipeline(body, outgoing).catch((error: unknown) =>
      outgoing.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return;
  }
  outgoing.end(body);
}
