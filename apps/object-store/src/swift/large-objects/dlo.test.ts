import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Container } from "../../namespace/container.model.ts";
import type { ListRange, ListedObject } from "../../namespace/namespace.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { dloShown, readDlo } from "./dlo.ts";

const segment = (key: string): ListedObject => ({
  key,
  size: 2,
  etag: key,
  contentType: "x",
  modifiedAt: new Date(0),
  versionId: "null",
  isCurrent: true,
  isDeleteMarker: false,
  sequence: 1,
  isLatest: true,
});

/** Names a0 to a<count - 1>, in pages of three however many were asked for. */
function requestOn(count: number): SwiftRequest {
  const container = { projectId: "p", name: "c", settings: {} } as Container;
  const listObjects = (_: Container, { marker = "" }: ListRange) => {
    const from = marker === "" ? 0 : Number(marker.slice(1)) + 1;
    const entries = Array.from({ length: Math.min(3, count - from) }, (_item, index) => segment(`a${from + index}`));
    return Promise.resolve({ entries, truncated: from + 3 < count });
  };
  return {
    store: { namespace: { listObjects } },
    caller: { actor: null, isReseller: true, bearer: null, referrer: "" },
    known: new Map([["p/c", container]]),
  } as unknown as SwiftRequest;
}

async function read(count: number, start: number, end: number): Promise<string> {
  const request = requestOn(count);
  const dlo = await dloShown(request, { projectId: "p" } as Container, "c/a");
  let text = "";
  const open = ({ object }: { object: string }) =>
    Promise.resolve({
      size: 2,
      read: (from: number, to: number) => Promise.resolve(Buffer.from(object.slice(from, to))),
    });
  for await (const chunk of readDlo(request, dlo, { start, end }, open)) text += (chunk as Buffer).toString("utf8");
  return text;
}

describe("dynamic large objects", () => {
  it("of one page have a size and an ETag, of more have neither", async () => {
    assert.equal((await dloShown(requestOn(3), { projectId: "p" } as Container, "c/a")).size, 6);
    const long = await dloShown(requestOn(4), { projectId: "p" } as Container, "c/a");
    assert.deepEqual([long.size, long.etag], [null, null]);
  });

  it("are read page by page", async () => {
    assert.equal(await read(8, 0, Number.POSITIVE_INFINITY), "a0a1a2a3a4a5a6a7");
    assert.equal(await read(8, 5, 9), "2a3a");
    assert.equal(await read(3, 0, 6), "a0a1a2");
    assert.equal(await read(8, 20, 30), "");
  });
});
