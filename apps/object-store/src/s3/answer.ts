/** Answers: status, headers, a document or nothing. */
import type { OutgoingHttpHeaders } from "node:http";

import type { Call } from "./call.ts";

/** Sends XML with a length; to HEAD only its headers. */
export function sendXml({ exchange }: Call, body: string, status = 200, headers: OutgoingHttpHeaders = {}): void {
  const bytes = Buffer.from(body);
  exchange.response.writeHead(status, {
    ...headers,
    "content-type": "application/xml",
    "content-length": bytes.length,
  });
  exchange.response.end(exchange.method === "HEAD" ? undefined : bytes);
}

/** Sends no body at all. */
export function sendEmpty({ exchange }: Call, status: 200 | 204, headers: OutgoingHttpHeaders = {}): void {
  exchange.response.writeHead(status, status === 204 ? headers : { ...headers, "content-length": 0 });
  exchange.response.end();
}
