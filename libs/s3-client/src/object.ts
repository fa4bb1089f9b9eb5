/** One object, read. */
import type { IncomingMessage } from "node:http";

import { CloudError, internal } from "@andromede/base/errors";

import type { S3Client } from "./client.ts";

/** Breaks in a row, without a byte between them, after which a reader is told. */
const BREAKS = 3;

/** How many bytes an object has; null: there is none. */
export async function findObjectBytes(client: S3Client, key: string): Promise<number | null> {
  const { status, headers } = await client.ask({ method: "HEAD", key }, [200, 404]);
  if (status === 404) return null;
  const bytes = Number(headers["content-length"]);
  if (!Number.isSafeInteger(bytes)) throw internal(`${key}: the server does not say how long it is`);
  return bytes;
}

/**
 * Part of an object, asked for before this resolves: what is not there throws `notFound` here. A connection that breaks
 * on the way is made anew, from where it broke.
 */
export async function openObject(
  client: S3Client,
  key: string,
  part: { first: number; length: number },
): Promise<AsyncIterable<Buffer> & { close(): void }> {
  const end = part.first + part.length;
  const ask = (from: number): Promise<IncomingMessage> =>
    client.send({ method: "GET", key, range: { first: from, last: end - 1 } }, [206]);
  let answer = part.length === 0 ? null : await ask(part.first);

  async function* read(): AsyncGenerator<Buffer> {
    let at = part.first;
    for (let breaks = 0; at < end;) {
      try {
        answer ??= await ask(at);
        for await (const piece of answer as AsyncIterable<Buffer>) {
          at += piece.length;
          breaks = 0;
          yield piece;
        }
        if (at < end) throw internal(`${key}: the server's answer ended early`);
      } catch (error) {
        breaks += 1;
        if (breaks === BREAKS || (error instanceof CloudError && error.kind === "notFound")) throw error;
      } finally {
        answer?.destroy();
        answer = null;
      }
    }
  }

  return {
    [Symbol.asyncIterator]: read,
    close: () => void answer?.destroy(),
  };
}
