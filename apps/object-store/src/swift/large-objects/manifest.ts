/** A static large object's manifest: its own body. */
import { Readable } from "node:stream";

import { internal } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";
import type { KeptSegment } from "./slo.model.ts";

export async function readManifest(
  { store }: SwiftRequest,
  container: Container,
  object: StoredObject,
): Promise<KeptSegment[]> {
  const body = await store.namespace.readObject(container, object, { start: 0, end: object.size });
  const text = Buffer.isBuffer(body) ? body.toString() : (await collect(body, object.size))?.toString();
  const segments: unknown = JSON.parse(text ?? "null");
  // we wrote it ourselves: see put-slo.ts
  if (!Array.isArray(segments)) throw internal(`The manifest ${object.key} cannot be read`);
  return segments as KeptSegment[];
}

/** A body in memory; null when there is more of it. */
export async function collect(body: Readable, most: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > most) return null;
  }
  return Buffer.concat(chunks, size);
}

/** The same, refused with 413 in Swift's words. */
export async function collectBody(request: SwiftRequest, most: number, message: string): Promise<Buffer> {
  const declared = Number(request.headers["content-length"] ?? 0);
  const body = declared > most ? null : await collect(request.exchange.body(), most);
  if (body === null) throw refusal(413, message);
  return body;
}

export const bodyOf = (bytes: Buffer): Readable =>
  Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false });
