/** Requests to S3, as server access logs tell of them. */
import { amendAccess, logAccess } from "../access-logs/watch.ts";
import type { Container } from "../namespace/container.model.ts";
import { type BucketCall, type Call, headerIn, versionIdOf } from "./call.ts";
import { toAnswer } from "./errors.ts";
import { operationOf } from "./operation.model.ts";
import { routeKey } from "./route-key.ts";
import type { Caller } from "./signature/caller.ts";

type Who = Pick<Parameters<typeof logAccess>[2], "requester" | "authType" | "isSigned">;

const AUTH_TYPES = { "REST-HEADER": "AuthHeader", "REST-QUERY-STRING": "QueryString", POST: "Form" } as const;

const whoIs = ({ actor, authType }: Caller): Who => ({
  requester: actor,
  authType: authType === null ? null : AUTH_TYPES[authType],
  isSigned: authType !== null,
});

/** `operation`: where it is none of those that the method and the query name. */
export function logCall(call: Call, container: Container, key: string | null, operation?: string): void {
  if (container.settings.logging === undefined) return;
  const { method } = call.exchange;
  logAccess(call.exchange, container, {
    operation:
      operation ??
      operationOf({
        method,
        subresource: routeKey(method, call.query).subresource,
        isObject: key !== null,
        isCopy: headerIn(call, "x-amz-copy-source") !== undefined,
      }),
    key,
    versionId: versionIdOf(call) ?? null,
    ...whoIs(call.caller),
  });
}

/** Who it was is in the request's body. */
export function amendCaller({ exchange }: Call, caller: Caller, key: string): void {
  amendAccess(exchange, { ...whoIs(caller), key });
}

/** What was read for a copy, in the log of where it lies. */
export function logCopySource(
  call: BucketCall,
  container: Container,
  source: { key: string; versionId: string | undefined; size: number },
): void {
  if (container.settings.logging === undefined) return;
  logAccess(call.exchange, container, {
    operation: call.query.has("uploadId") ? "REST.COPY.PART_GET" : "REST.COPY.OBJECT_GET",
    key: source.key,
    versionId: source.versionId ?? null,
    objectSize: source.size,
    ...whoIs(call.caller),
  });
}

/** One key of those that a request deleted, or did not. */
export function logDeletion(
  call: BucketCall,
  { key, versionId }: { key: string; versionId?: string },
  error: Error | null,
): void {
  if (call.exchange.watch === null) return;
  const { status, code } = error === null ? { status: 204, code: null } : toAnswer(error);
  logAccess(call.exchange, call.container, {
    operation: "BATCH.DELETE.OBJECT",
    key,
    versionId: versionId ?? null,
    outcome: { status, errorCode: code },
    ...whoIs(call.caller),
  });
}
