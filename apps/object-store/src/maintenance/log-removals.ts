/** What the cloud removes by itself, in the access logs of the containers that it was in. */
import { formatRecord } from "../access-logs/record.model.ts";
import { insertLogRows } from "../access-logs/access-log.queries.ts";
import type { LoggedContainer, Logging } from "../access-logs/access.model.ts";
import type { RowKeeping } from "./row-keeping.ts";

/** null: it has no log. */
export type KeptContainer = LoggedContainer & { logging: Logging | null };

export type Removal = { operation: string; key: string; versionId?: string | undefined };

/** It is done already: a log that cannot be written takes nothing back. */
export async function logRemovals(
  { db, clock, log }: RowKeeping,
  container: KeptContainer,
  removals: Removal[],
): Promise<void> {
  const { id: containerId, projectId, name: bucket, logging } = container;
  if (logging === null || removals.length === 0) return;
  const nowMs = clock.now();
  const lines = removals.map((removal) => formatRecord(accessOf(container, logging, removal), seenAt(nowMs))).join("");
  const day = new Date(nowMs).toISOString().slice(0, 10);
  try {
    await insertLogRows(db, [{ containerId, projectId, bucket, logging, day, lines }]);
  } catch (error) {
    log.warn({ error, container: containerId }, "what was removed could not be logged");
  }
}

const accessOf = (
  container: LoggedContainer,
  logging: Logging,
  { operation, key, versionId }: Removal,
): Parameters<typeof formatRecord>[0] => ({
  container,
  logging,
  operation,
  key,
  versionId: versionId ?? null,
  requester: "AmazonS3",
  authType: null,
  isSigned: false,
  objectSize: null,
  byAcl: false,
  outcome: { status: null, errorCode: null },
});

/** There was no request. */
const seenAt = (nowMs: number): Parameters<typeof formatRecord>[1] => ({
  receivedAtMs: nowMs,
  address: null,
  requestId: "-",
  method: "",
  url: "",
  httpVersion: "",
  status: null,
  errorCode: null,
  bytesSent: 0,
  shownSize: null,
  totalMs: null,
  turnAroundMs: null,
  referrer: undefined,
  userAgent: undefined,
  host: undefined,
  cipher: undefined,
  tlsVersion: undefined,
});
