/** A request to Swift, understood as far as all of them are. */
import type { IncomingHttpHeaders } from "node:http";

import { type Facts, logAccess } from "../access-logs/watch.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Container } from "../namespace/container.model.ts";
import type { Origin } from "@andromede/platform/events/append";
import type { Store } from "../store.ts";
import { type Caller, authorize } from "./acl/caller.ts";
import type { Level } from "./wire/metadata.ts";
import { refusal } from "./wire/refusal.ts";
import type { Query } from "./wire/text.ts";

export type SwiftRequest = {
  exchange: Exchange;
  store: Store;
  method: string;
  headers: IncomingHttpHeaders;
  query: Query;
  /** As in the path: `AUTH_<project id>`. */
  account: string;
  projectId: string;
  container: string | null;
  object: string | null;
  caller: Caller;
  origin: Origin;
  /** Containers that this request has looked up; one that is not there is null. */
  known: Map<string, Container | null>;
};

/** Where an object is, or would be. */
export type ObjectName = { projectId: string; container: string; object: string };

export const levelOf = (request: SwiftRequest): Level =>
  request.object !== null ? "object" : request.container !== null ? "container" : "account";

/** Once a request. */
export async function findContainer(request: SwiftRequest, projectId: string, name: string): Promise<Container | null> {
  const key = `${projectId}/${name}`;
  const known = request.known.get(key);
  if (known !== undefined) return known;
  // the path's own object is asked for next, but where it is only written
  const next = name === request.container && request.method !== "PUT" ? (request.object ?? undefined) : undefined;
  const found = await request.store.namespace.findContainer(projectId, name, next);
  request.known.set(key, found);
  if (found !== null && name === request.container && projectId === request.projectId) logRequest(request, found);
  return found;
}

/** The request's own container is in its log, `other` of it that the request is about as well. */
export function logRequest(
  { exchange, method, object, query, caller }: SwiftRequest,
  container: Container,
  other?: { operation: string; key: string } & Pick<Partial<Facts>, "objectSize" | "outcome">,
): void {
  if (container.settings.logging === undefined) return;
  const { actor } = caller;
  logAccess(exchange, container, {
    operation: `SWIFT.${method}.${object === null ? "CONTAINER" : "OBJECT"}`,
    key: object,
    versionId: other === undefined ? (query["version-id"] ?? null) : null,
    requester: actor,
    authType: actor === null ? null : "Token",
    isSigned: false,
    ...other,
  });
}

/** The container, if they may. One that is not there is 404 for those who may know, and for all others what any container is. */
export async function enterContainer(
  request: SwiftRequest,
  where: { projectId: string; container: string; object?: string },
  wanted: { level: "container" | "object"; method: string; versionId?: string | undefined },
): Promise<{ container: Container; access: "owner" | "granted" }> {
  const container = await findContainer(request, where.projectId, where.container);
  const { projectId, object } = where;
  const access = await authorize(request, { ...wanted, projectId, container, object });
  if (container === null) throw refusal(404);
  return { container, access };
}

/** The path's own object; for handlers of that level. */
export function objectNameOf({ projectId, container, object }: SwiftRequest): ObjectName {
  if (container === null || object === null) throw refusal(404);
  return { projectId, container, object };
}

export function containerNameOf({ projectId, container }: SwiftRequest): { projectId: string; container: string } {
  if (container === null) throw refusal(404);
  return { projectId, container };
}
