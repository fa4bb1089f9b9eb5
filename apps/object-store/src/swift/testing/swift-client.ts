/** Requests to a Swift under test, as they are: any verb, any path, nothing added. Test files only. */
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request as httpsRequest } from "node:https";

import { request as httpRequest } from "@andromede/base/node-http";

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer; text: string };
export type Ask = {
  token?: string;
  headers?: { [name: string]: string };
  body?: string | Buffer;
  /** In chunks, without a length. */
  chunked?: boolean;
};

export type SwiftClient = (method: string, path: string, ask?: Ask) => Promise<Answer>;

/** `base` is what `listen()` gave; `ca` of a store that speaks TLS. */
export function swiftClient(base: string, { ca }: { ca?: Buffer } = {}): SwiftClient {
  const { hostname, port } = new URL(base);
  const tls = ca === undefined ? null : new Agent({ ca, keepAlive: true });
  return (method, path, ask = {}) =>
    new Promise((resolve, reject) => {
      const headers: { [name: string]: string } = { ...ask.headers };
      if (ask.token !== undefined) headers["X-Auth-Token"] = ask.token;
      if (ask.body !== undefined && ask.chunked !== true)
        headers["Content-Length"] = String(Buffer.byteLength(ask.body));
      if (ask.body === undefined && (method === "PUT" || method === "POST") && !("Content-Length" in headers))
        headers["Content-Length"] = "0";
      const where = { hostname, port, method, path, headers };
      const sent = tls === null ? httpRequest({ ...where, agent: false }) : httpsRequest({ ...where, agent: tls });
      sent.once("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          const body = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
        });
      });
      sent.once("error", reject);
      sent.end(ask.body);
    });
}
