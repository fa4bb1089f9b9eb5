/** Objects that Swift put together: large ones and links are read through S3 as they are through Swift. */
import type { Readable } from "node:stream";

import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { openObject } from "../../swift/objects/open-object.ts";
import type { SwiftRequest } from "../../swift/swift-request.ts";
import { mayDoAnything } from "../authorize/decide.ts";
import { type Call, originOf } from "../call.ts";
import { s3Error } from "../errors.ts";

/** What is read in the end: its size, its ETag, its bytes. */
export type Readings = {
  size: number;
  etag: string;
  read(start: number, end: number): Promise<Readable | Buffer>;
};

export const isPutTogether = ({ details }: StoredObject): boolean =>
  details.slo !== undefined || details.dlo !== undefined || details.symlink !== undefined;

/** Segments and targets are the caller's to read by Swift's rules. */
export async function openPutTogether(call: Call, container: Container, object: StoredObject): Promise<Readings> {
  const { exchange, store, headers, caller } = call;
  const { actor } = caller;
  const request: SwiftRequest = {
    exchange,
    store,
    method: "GET",
    headers,
    query: {},
    account: `AUTH_${container.projectId}`,
    projectId: container.projectId,
    container: container.name,
    object: object.key,
    caller: {
      actor,
      isReseller: mayDoAnything(actor, exchange.door.plane),
      bearer: null,
      referrer: headers.referer ?? "",
    },
    origin: originOf(call),
    known: new Map([[`${container.projectId}/${container.name}`, container]]),
  };
  const name = { projectId: container.projectId, container: container.name, object: object.key };
  const opened = await openObject(request, name, { followsLinks: true, asManifest: false });
  if (opened.size === null)
    throw s3Error("InvalidRequest", "The object is a dynamic large one of too many segments: read it through Swift");
  return { size: opened.size, etag: opened.etag, read: (start, end) => opened.read(start, end) };
}
