/**
 * Lines become objects in the buckets they are for. First it is decided, for good, which lines are the object of which key; then
 * the object is put, unless it is there already; then the lines go. Whoever is killed between two of these is taken over from,
 * and nothing is there twice. What cannot be delivered (no target, no room, forbidden) is dropped, as Amazon does.
 */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";

import type { Clock } from "@andromede/base/clock";
import { CloudError } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";
import { systemOrigin } from "@andromede/platform/events/append";

import type { Container } from "../namespace/container.model.ts";
import type { Namespace } from "../namespace/namespace.ts";
import { withDefaultEncryption } from "../swift/objects/default-encryption.ts";
import {
  type LogGroup,
  claimLines,
  deleteDelivery,
  deleteLateLines,
  listDeliveries,
  listDueGroups,
  readDelivery,
} from "./access-log.queries.ts";
import { logKey } from "./log-key.model.ts";
import { mayDeliver } from "./may-deliver.ts";

export type Delivering = {
  db: Database;
  clock: Clock;
  log: Logger;
  namespace: Namespace;
  region: string;
  /** How long a line waits for company at most. */
  everySeconds: number;
};

const ORIGIN = systemOrigin("object-access-logs");
/** Who cannot be delivered to for so long has no log of it: what waits would only grow. */
const MOST_SECONDS = 86_400;
/** So much of one container is an object, however young it is. */
const FULL_BYTES = 4 << 20;

/** Gives how many objects were put. */
export async function deliverAccessLogs(deps: Delivering, signal?: AbortSignal): Promise<number> {
  let delivered = 0;
  const isStopped = (): boolean => signal?.aborted === true;
  const late = await deleteLateLines(deps.db, MOST_SECONDS);
  if (late > 0) deps.log.warn({ late }, "lines of access logs could not be delivered for a day and were dropped");
  /* eslint-disable no-await-in-loop -- one after the other: customers come first */
  for (const { key, ...group } of await listDeliveries(deps.db)) {
    if (isStopped()) return delivered;
    if (await deliver(deps, group, key)) delivered += 1;
  }
  const due = { seconds: deps.everySeconds, bytes: FULL_BYTES };
  for (let groups = await listDueGroups(deps.db, due); groups.length > 0; groups = await listDueGroups(deps.db, due))
    for (const group of groups) {
      if (isStopped()) return delivered;
      const { region, clock } = deps;
      const unique = randomBytes(8).toString("hex").toUpperCase();
      const key = logKey({ ...group, region }, { deliveredAt: new Date(clock.now()), day: group.day, unique });
      await claimLines(deps.db, group, key, FULL_BYTES);
      if (await deliver(deps, group, key)) delivered += 1;
    }
  /* eslint-enable no-await-in-loop */
  return delivered;
}

/** False: there was nobody to deliver it to, or it may be better the next time. One that fails keeps no other from its way. */
async function deliver(deps: Delivering, group: LogGroup, key: string): Promise<boolean> {
  const { bucket, projectId, logging } = group;
  const about = { bucket, projectId, target: logging.target };
  try {
    const why = await tryDeliver(deps, group, key);
    if (why !== null) deps.log.warn({ ...about, why }, "an access log was dropped");
    await deleteDelivery(deps.db, key);
    return why === null;
  } catch (error) {
    deps.log.error({ ...about, error }, "an access log could not be delivered; trying again");
    return false;
  }
}

/** null: it is there; else why it never will be. Throws what may be better the next time. */
async function tryDeliver(deps: Delivering, group: LogGroup, key: string): Promise<string | null> {
  const target = await deps.namespace.findContainer(group.projectId, group.logging.target);
  if (target === null) return "its bucket is not there";
  if (!mayDeliver(target, group, key, new Date(deps.clock.now()))) return "the policy of its bucket denies it";
  try {
    await put(deps.namespace, target, { group, key, lines: await readDelivery(deps.db, key) });
  } catch (error) {
    if (!(error instanceof CloudError) || error.kind === "unavailable" || error.kind === "internal") throw error;
    // put by somebody who did not live to delete the lines
    if (error.type !== "PreconditionFailed") return error.message;
  }
  return null;
}

async function put(
  namespace: Namespace,
  target: Container,
  { group, key, lines }: { group: LogGroup; key: string; lines: string },
): Promise<void> {
  const body = Buffer.from(lines);
  const { grants } = group.logging;
  await namespace.putObject(ORIGIN, target, {
    key,
    body: Readable.from([body], { objectMode: false }),
    size: body.length,
    maxBytes: body.length,
    contentType: "text/plain",
    deleteAt: null,
    metadata: {},
    details: withDefaultEncryption(target, grants === undefined ? {} : { acl: grants }),
    digests: ["md5"],
    precondition: { ifNoneMatch: ["*"] },
  });
}
