/** What the API's routes have in common. */
import type { IncomingMessage, ServerResponse } from "node:http";

import { invalid, tooLarge } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";
import { Ajv, type ValidateFunction } from "ajv";

export type Call = { request: IncomingMessage; response: ServerResponse; url: URL; id: string };
export type Route<Agent> = { method: string; path: RegExp; handle: (agent: Agent, call: Call) => Promise<void> | void };

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** One for all the hosts of a process. */
export const ajv = new Ajv({ allowUnionTypes: true });

export function wholeNumber(url: URL, name: string): number | undefined {
  const text = url.searchParams.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw invalid(`${name} is not a whole number`, { field: name });
  return value;
}

export function generationIn(url: URL): number {
  const generation = wholeNumber(url, "generation");
  if (generation === undefined) throw invalid("generation is missing", { field: "generation" });
  return generation;
}

export async function readBody<T>(request: IncomingMessage, valid: ValidateFunction<T>): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const body = parseJson(Buffer.concat(chunks).toString("utf8"), "the body");
  if (!valid(body)) throw invalid(`the body is not valid: ${ajv.errorsText(valid.errors, { dataVar: "body" })}`);
  return body;
}

export function reply(response: ServerResponse, status: number, body: unknown): void {
  if (body === undefined) {
    response.writeHead(status, status === 204 ? {} : { "content-length": 0 });
    response.end();
    return;
  }
  const payload = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "content-type": "application/json", "content-length": payload.length });
  response.end(payload);
}
