/** One request to S3, once it is known who makes it and what it names. */
import type { IncomingHttpHeaders } from "node:http";

import type { Origin } from "@andromede/platform/events/append";

import type { Exchange } from "../http/exchange.ts";
import type { Container } from "../namespace/container.model.ts";
import type { Store } from "../store.ts";
import type { Query } from "./query.ts";
import { uriEncode, uriEncodePath } from "./signature/canonical.ts";
import type { Caller } from "./signature/caller.ts";

export type Call = {
  exchange: Exchange;
  store: Store;
  headers: IncomingHttpHeaders;
  query: Query;
  caller: Caller;
};
/** Its bucket is there. */
export type BucketCall = Call & {
  /** As the client calls it. */
  bucket: string;
  container: Container;
};
export type ObjectCall = BucketCall & { key: string };

/** A header's one value; of several, all with commas between, as Node joins them. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "object" ? value[0] : value;
}

export const headerIn = (call: Pick<Call, "headers">, name: string): string | undefined => headerOf(call.headers, name);

/** For events. */
export const originOf = (call: Call): Origin => call.exchange.origin(call.caller.actor);

/** Who writes, as owners are kept: a project, or nobody. */
export const writerOf = (call: Call): string | null => call.caller.actor?.projectId ?? null;

/** The object's address, in characters that a header may have: Swift's containers are called as they like. */
export const locationOf = ({ exchange, bucket, key }: ObjectCall): string =>
  `${exchange.door.url}/${uriEncode(bucket)}/${uriEncodePath(key)}`;

/** Did the bucket ever have versions? Then answers name them. */
export const isVersioned = (container: Container): boolean => container.settings.versioning !== undefined;

/** The version that a request asks for; an empty one is none. */
export const versionIdOf = (call: Call): string | undefined => call.query.get("versionId") || undefined;
