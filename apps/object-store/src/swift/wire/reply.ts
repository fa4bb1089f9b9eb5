/** An answer, and its way out. Handlers make answers; only here they are written. */
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";

import type { CloudError } from "@andromede/base/errors";

import { sendBody } from "../../bytes/send-body.ts";
import { inOrder } from "../../http/header-order.ts";
import { escapeMarkup, quote, toHeader } from "./text.ts";
import { pageOf, reasonOf, refusalHeaders, statusOf } from "./refusal.ts";

export type ReplyHeaders = { [name: string]: string | number };
export type Reply = {
  status: number;
  headers: ReplyHeaders;
  /** A stream without Content-Length among the headers goes out in chunks. */
  body?: string | Buffer | Readable | undefined;
};

const HTML = "text/html; charset=UTF-8";
const TEXT = "text/plain; charset=UTF-8";

/** Resolves when the answer is out or its reader gone. Once the head is out, what fails can only be told by an end that comes too early. */
export function send(response: ServerResponse, method: string, reply: Reply): Promise<void> | undefined {
  const { status, headers, body } = reply;
  headers["Content-Type"] ??= HTML;
  const hasLength = headers["Content-Length"] !== undefined;
  if (!(body instanceof Readable)) {
    // 204 and 304 have neither a body nor a length (RFC 9110, section 8.6)
    if (!hasLength && status !== 204 && status !== 304)
      headers["Content-Length"] = body === undefined ? 0 : Buffer.byteLength(body);
    response.writeHead(status, reasonOf(status), inOrder(headers));
    if (body === undefined || method === "HEAD") response.end();
    // as bytes: Node would send the headers in the encoding of a text
    else response.end(typeof body === "string" ? Buffer.from(body) : body);
    return undefined;
  }
  response.writeHead(status, reasonOf(status), inOrder(headers));
  if (method === "HEAD") {
    body.destroy();
    response.end();
    return undefined;
  }
  return sendBody(body, response).catch((error: NodeJS.ErrnoException) => {
    response.destroy();
    if (!isGone(error)) throw error;
  });
}

const isGone = (error: NodeJS.ErrnoException): boolean =>
  error.code === "ERR_STREAM_PREMATURE_CLOSE" || error.code === "ECONNRESET" || error.code === "EPIPE";

/** The answer to what was thrown. `realm`: the account asked for, for 401. */
export function errorReply(error: CloudError, realm: string): Reply {
  const status = statusOf(error);
  const headers: ReplyHeaders = { ...refusalHeaders(error) };
  if (status === 401) headers["Www-Authenticate"] = `Swift realm="${quote(realm)}"`;
  if (error.type === "SlowDown") headers["Retry-After"] = 1;
  const text = status === 500 ? "" : error.message;
  if (text === "") return { status, headers: { ...headers, "Content-Type": HTML }, body: pageOf(status) };
  return { status, headers: { "Content-Type": TEXT, ...headers }, body: text };
}

/** A page in HTML that names what is elsewhere. */
export const movedReply = (status: 301 | 303, location: string): Reply => ({
  status,
  // a form that nobody signed may say where to go on
  headers: { Location: toHeader(location) },
  body: `<html><body><p><a href="${escapeMarkup(location)}">Click to continue...</a></p></body></html>`,
});
