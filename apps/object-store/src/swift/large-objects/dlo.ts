/** Dynamic large objects: whatever begins with a prefix, in order, at the time of reading. */
import { hash } from "node:crypto";

import { authorize } from "../acl/caller.ts";
import type { Container } from "../../namespace/container.model.ts";
import type { ListedObject, Page } from "../../namespace/namespace.ts";
import { LIMITS } from "../limits.ts";
import { listedSize } from "../listings/listing.view.ts";
import { type ObjectName, type SwiftRequest, findContainer } from "../swift-request.ts";
import { invalidManifest } from "./dlo.model.ts";
import type { Body } from "../wire/joined.ts";
import type { ByteRange } from "../wire/ranges.ts";
import { refusal } from "../wire/refusal.ts";

/** Its first page. Where there is more, neither the size nor the ETag is known: Swift then says neither. */
export type Dlo = {
  container: Container;
  prefix: string;
  first: Page<ListedObject>;
  size: number | null;
  etag: string | null;
};

export async function dloShown(request: SwiftRequest, container: Container, dlo: string): Promise<Dlo> {
  const slash = dlo.indexOf("/");
  if (slash <= 0) throw invalidManifest();
  const name = dlo.slice(0, slash);
  const segments = await findContainer(request, container.projectId, name);
  const { store } = request;
  const prefix = dlo.slice(slash + 1);
  await authorize(request, {
    projectId: container.projectId,
    container: segments,
    level: "container",
    method: "GET",
    prefix,
  });
  if (segments === null) throw refusal(404);
  const first = await store.namespace.listObjects(segments, { prefix, limit: LIMITS.listing });
  if (first.truncated) return { container: segments, prefix, first, size: null, etag: null };
  let size = 0;
  let etags = "";
  for (const object of first.entries) {
    if ("prefix" in object) continue;
    size += listedSize(object);
    etags += object.slo?.etag ?? object.etag;
  }
  return { container: segments, prefix, first, size, etag: hash("md5", etags) };
}

type Opened = { size: number | null; read(start: number, end: number): Promise<Body> };

export async function* readDlo(
  { store }: SwiftRequest,
  { container, prefix, first }: Dlo,
  range: ByteRange,
  open: (name: ObjectName) => Promise<Opened>,
): AsyncGenerator<Body> {
  let page = first;
  let at = 0;
  for (;;) {
    for (const segment of page.entries) {
      if ("prefix" in segment) continue;
      if (at >= range.end) return;
      const size = listedSize(segment);
      const start = Math.max(range.start - at, 0);
      const end = Math.min(range.end - at, size);
      at += size;
      if (end <= start) continue;
      const opened = await open({ projectId: container.projectId, container: container.name, object: segment.key });
      if (opened.size !== size) throw refusal(409, "A segment changed while the object was read");
      yield await opened.read(start, end);
    }
    const last = page.entries.at(-1);
    if (!page.truncated || last === undefined || "prefix" in last) return;
    page = await store.namespace.listObjects(container, { prefix, marker: last.key, limit: LIMITS.listing });
  }
}
