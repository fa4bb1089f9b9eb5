/** An object, moved about with all that is beside its bytes. */
import { Readable } from "node:stream";

import type { Container } from "../../namespace/container.model.ts";
import type { StoredObject } from "../../namespace/object.model.ts";
import { bodyOf } from "../large-objects/manifest.ts";
import { LIMITS } from "../limits.ts";
import { withDefaultEncryption } from "../objects/default-encryption.ts";
import { readOwn } from "../objects/open-object.ts";
import type { SwiftRequest } from "../swift-request.ts";

export async function copyWhole(
  request: SwiftRequest,
  from: { container: Container; object: StoredObject },
  to: { container: Container; key: string },
): Promise<StoredObject> {
  const { object } = from;
  const body = await readOwn(request, from.container, object, { start: 0, end: object.size });
  const { encryption: _sealing, retention: _retention, legalHold: _hold, ...details } = object.details;
  return request.store.namespace.putObject(request.origin, to.container, {
    key: to.key,
    body: body instanceof Readable ? body : bodyOf(body),
    size: object.size,
    maxBytes: Math.max(object.size, LIMITS.maxFileSize),
    contentType: object.contentType,
    deleteAt: object.deleteAt,
    metadata: object.metadata,
    details: withDefaultEncryption(to.container, details),
    digests: ["md5"],
    // an object of S3's parts keeps the ETag it is known by
    check: () => ({ etag: object.etag }),
  });
}
