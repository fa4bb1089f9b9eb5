/** POST: what is beside an object's bytes is replaced, all of it. */
import { invalid } from "@andromede/base/errors";

import { type SwiftRequest, enterContainer, objectNameOf } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply, ReplyHeaders } from "../wire/reply.ts";
import { headerText, quote, toHeader } from "../wire/text.ts";
import { findCurrent } from "./find-object.ts";
import { readGiven } from "./object-headers.ts";

export async function postObject(request: SwiftRequest): Promise<Reply> {
  const { headers, store, query } = request;
  if (query["version-id"]) throw invalid("POST to a specific version is not allowed");
  if (headers["x-symlink-target"] !== undefined) throw invalid("A PUT request is required to set a symlink target");
  const name = objectNameOf(request);
  const { container } = await enterContainer(request, name, { level: "object", method: "POST" });
  const given = readGiven(headers, store.clock.now());
  const type = headers["content-type"] ? headerText(headers["content-type"]) : undefined;
  if (type === null) throw invalid("Invalid Content-Type");
  const object = await findCurrent(request, container, name.object);
  if (object === null) throw refusal(404);
  await store.namespace.updateObject(request.origin, container, object, {
    metadata: given.metadata,
    ...(type === undefined ? {} : { contentType: type }),
    deleteAt: given.deleteAt,
    details: { headers: Object.keys(given.headers).length === 0 ? null : given.headers, dlo: given.dlo ?? null },
  });
  const { symlink } = object.details;
  if (symlink === undefined) return { status: 202, headers: {} };
  const account = symlink.account === "" ? request.account : symlink.account;
  const more: ReplyHeaders = {
    Location: `/v1/${quote(account)}/${quote(symlink.container)}/${quote(symlink.object)}`,
    ...(symlink.etag === undefined ? {} : { "X-Symlink-Target-Etag": toHeader(symlink.etag) }),
  };
  throw refusal(
    307,
    "The requested POST was applied to a symlink. POST directly to the target to apply requested metadata.",
    { headers: more },
  );
}
