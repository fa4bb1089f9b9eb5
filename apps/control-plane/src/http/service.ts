/** What a service is to the HTTP front: a mount point, a table of routes, policy rules and a way to say errors. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable, Writable } from "node:stream";

import type { CloudError } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";
import type { Actor, Plane } from "@andromede/platform/tokens/actor";

import type { App } from "../app.ts";
import type { PolicyRule } from "./policy.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** JSON Schema (draft 7, as Ajv reads it). */
export type JsonSchema = { readonly [keyword: string]: unknown };
/** The newest entry whose `since` is not above the request's microversion is the one in force. */
export type VersionedSchema = readonly { since: number; schema: JsonSchema }[];

/** Query arguments; a key may be repeated. */
export type Query = {
  /** The last value, as most of OpenStack reads a repeated single argument; undefined when absent. */
  get(name: string): string | undefined;
  all(name: string): string[];
  has(name: string): boolean;
  names(): string[];
  /** Everything after "?", as sent. */
  raw: string;
};

export type ApiRequest<Body = unknown> = {
  app: App;
  plane: Plane;
  /** Who asks. On routes with rule `anyone` and no valid token: `anonymous`. */
  actor: Actor;
  params: { readonly [name: string]: string };
  query: Query;
  /** Validated against the route's schema; undefined where the route has none. */
  body: Body;
  headers: IncomingHttpHeaders;
  /** Minor part of the microversion in force (2.79 -> 79); 0 where the service has none. */
  version: number;
  requestId: string;
  /** Who and from where, for the event log: hand it to `transact`. */
  origin: Origin;
  /** `https://host:port` of the listener the request came through: links and catalogs are built on it. */
  baseUrl: string;
  /** Path as sent, without the query. */
  path: string;
  /** The body's bytes, for routes with `body: "stream"`. */
  stream: IncomingMessage;
};

export type Reply = {
  status: number;
  body?: unknown;
  /** Sent instead of `body`, without buffering. */
  stream?: Readable;
  /** Writes the body itself, for who reuses buffers. `headers` MUST say its length; a throw cuts the connection. */
  write?: (response: Writable) => Promise<void>;
  headers?: { [name: string]: string };
};

export const ok = (body: unknown, headers?: Reply["headers"]): Reply => ({
  status: 200,
  body,
  ...(headers ? { headers } : {}),
});
export const created = (body: unknown, headers?: Reply["headers"]): Reply => ({
  status: 201,
  body,
  ...(headers ? { headers } : {}),
});
export const noContent = (headers?: Reply["headers"]): Reply => ({ status: 204, ...(headers ? { headers } : {}) });

export type Route = {
  method: Method;
  /** Below the service's mount, in Fastify's form: `/v2.1/servers/:server_id`. */
  path: string;
  /** Name of a rule in the service's policy.ts. */
  rule: string;
  /** JSON body's schema, by microversion; "stream" hands the bytes over; absent: a body is ignored. */
  body?: JsonSchema | VersionedSchema | "stream";
  /** Served from this microversion on ... */
  since?: number;
  /** ... up to and including this one. */
  until?: number;
  /** Largest JSON body in bytes; 1 MiB unless said. */
  maxBodyBytes?: number;
  handler: (request: ApiRequest<never>) => Promise<Reply> | Reply;
};

/** A row of a route table, with the handler's body type erased: the schema is what makes it true. */
export function route<Body = unknown>(
  row: Omit<Route, "handler"> & { handler: (request: ApiRequest<Body>) => Promise<Reply> | Reply },
): Route {
  return row as unknown as Route;
}

export type Microversions = {
  /** As in `OpenStack-API-Version: compute 2.79`. */
  serviceType: string;
  major: number;
  min: number;
  max: number;
  /** Used when the client names none. */
  default: number;
  /** The older header of the same meaning, e.g. `x-openstack-nova-api-version`. */
  legacyHeader?: string;
};

export type ErrorReply = { status: number; body: unknown; headers?: { [name: string]: string } };

export type Service = {
  name: "identity" | "image" | "network" | "compute" | "volume" | "operator";
  /** `/compute`: one prefix a service on every listener. */
  mount: string;
  routes: Route[];
  rules: PolicyRule[];
  microversions?: Microversions;
  /**
   * Below this prefix a path may also carry the caller's project: with `/v3`, `/v3/volumes` answers at
   * `/v3/<project>/volumes` too, and only for that project's tokens.
   */
  projectBelow?: string;
  /** Says an error in this API's own format. */
  errorBody: (error: CloudError, status: number, requestId: string) => ErrorReply;
};
