/** Many deletions, one answer: bulk delete, and large objects with their segments. */
import { CloudError } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import { isDenied } from "../acl/denial.ts";
import { LIMITS } from "../limits.ts";
import { removeObject } from "../objects/remove-object.ts";
import { type SwiftRequest, enterContainer, logRequest } from "../swift-request.ts";
import { refusal, statusLine, statusOf } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { quote } from "../wire/text.ts";
import { type BulkError, type BulkFormat, bulkBody, firstBeat } from "./bulk.view.ts";
import { beating } from "./heartbeat.ts";

export type Doomed = {
  /** `container` or `container/object`. */
  name: string;
  versionId?: string | undefined;
  /** Known to fail already. */
  error?: { status: number; message: string };
};

/** Keys that are deleted in one go. */
const TOGETHER = 100;

export function deleteReply(request: SwiftRequest, format: BulkFormat | null, doomed: Doomed[]): Reply {
  const shown = format ?? "text/plain";
  const work = format === null ? Promise.resolve(failed("text/plain", 406, "")) : deleteMany(request, doomed, format);
  return { status: 200, headers: { "Content-Type": shown }, body: beating(firstBeat(shown), work) };
}

type Tally = { deleted: number; missing: number; errors: BulkError[]; isOurFault: boolean };

/** Objects first, so that containers on the same list may be empty by then. */
async function deleteMany(request: SwiftRequest, doomed: Doomed[], format: BulkFormat): Promise<string> {
  const tally: Tally = { deleted: 0, missing: 0, errors: [], isOurFault: false };
  const objects = doomed.filter(({ name }) => isObjectName(name));
  const containers = doomed.filter(({ name }) => !isObjectName(name) && name.replaceAll("/", "") !== "");
  for (const group of groups(objects)) {
    await deleteGroup(request, group, tally);
    if (tally.errors.length >= LIMITS.bulkFailures) return failed(format, 400, "Max delete failures exceeded", tally);
  }
  for (const container of containers) {
    if (tellKnown(tally, container)) continue;
    await deleteOne(tally, container, () => deleteContainer(request, container.name.replaceAll("/", "")));
    if (tally.errors.length >= LIMITS.bulkFailures) return failed(format, 400, "Max delete failures exceeded", tally);
  }
  if (tally.errors.length > 0) return failed(format, tally.isOurFault ? 502 : 400, "", tally);
  if (tally.deleted + tally.missing === 0) return failed(format, 400, "Invalid bulk delete.", tally);
  return failed(format, 200, "", tally);
}

function failed(format: BulkFormat, status: number, message: string, tally?: Tally): string {
  const result = {
    "Response Status": statusLine(status),
    "Response Body": message,
    "Number Deleted": tally?.deleted ?? 0,
    "Number Not Found": tally?.missing ?? 0,
  };
  return bulkBody(format, result, tally?.errors ?? [], "delete");
}

const isObjectName = (name: string): boolean => name.replace(/^\/+|\/+$/g, "").includes("/");

/** Runs of one container's keys, in the order they came. */
function* groups(doomed: Doomed[]): Generator<Doomed[]> {
  let group: Doomed[] = [];
  for (const one of doomed) {
    const [first] = group;
    if (first !== undefined && (group.length === TOGETHER || split(first.name)[0] !== split(one.name)[0])) {
      yield group;
      group = [];
    }
    group.push(one);
  }
  if (group.length > 0) yield group;
}

function split(name: string): [container: string, object: string] {
  const path = name.replace(/^\/+/, "");
  const slash = path.indexOf("/");
  return [path.slice(0, slash), path.slice(slash + 1)];
}

async function deleteGroup(request: SwiftRequest, group: Doomed[], tally: Tally): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  const [name] = split(first.name);
  let container: Container | undefined;
  await guard(tally, group, async () => {
    const where = { projectId: request.projectId, container: name };
    ({ container } = await enterContainer(request, where, { level: "object", method: "DELETE" }));
  });
  if (container === undefined) return;
  const { settings } = container;
  const wanted: Doomed[] = [];
  for (const one of group)
    if (!tellKnown(tally, one) && !(await tellDenied(request, container, tally, one))) wanted.push(one);
  if (settings.versionsLocation !== undefined || settings.historyLocation !== undefined) {
    for (const one of wanted) {
      const target = container;
      await deleteOne(tally, one, async () => {
        await removeObject(request, target, split(one.name)[1], one.versionId);
        logDeletion(request, target, one, 204);
      });
    }
    return;
  }
  await deleteTogether(request, container, wanted, tally);
}

async function deleteTogether(
  request: SwiftRequest,
  container: Container,
  wanted: Doomed[],
  tally: Tally,
): Promise<void> {
  // a name that is there twice is deleted once, and not found the second time
  const byKey = new Map<string, Doomed>();
  for (const one of wanted) {
    const id = `${one.versionId ?? ""}/${split(one.name)[1]}`;
    if (byKey.has(id)) tally.missing += 1;
    else byKey.set(id, one);
  }
  const unique = [...byKey.values()];
  const targets = unique.map((one) => ({
    key: split(one.name)[1],
    ...(one.versionId === undefined ? {} : { versionId: one.versionId }),
  }));
  await guard(tally, unique, async () => {
    const results = await request.store.namespace.deleteObjects(request.origin, container, targets);
    for (const [index, result] of results.entries()) {
      const one = unique[index];
      if (one === undefined) continue;
      logDeletion(request, container, one, statusOfResult(result));
      if ("error" in result) tell(tally, one, result.error);
      else if (result.existed) tally.deleted += 1;
      else tally.missing += 1;
    }
  });
}

const statusOfResult = (result: { existed: boolean } | { error: Error }): number =>
  "error" in result ? statusOfError(result.error) : result.existed ? 204 : 404;

/** In the log of the container, one of many. */
function logDeletion(request: SwiftRequest, container: Container, one: Doomed, status: number): void {
  logRequest(request, container, {
    operation: "SWIFT.BULK_DELETE.OBJECT",
    key: split(one.name)[1],
    outcome: { status, errorCode: null },
  });
}

/** The container's policy may speak of some objects only. */
async function tellDenied(request: SwiftRequest, container: Container, tally: Tally, one: Doomed): Promise<boolean> {
  const { versionId } = one;
  const asked = { level: "object", method: "DELETE", object: split(one.name)[1], versionId } as const;
  if (request.caller.isReseller || !(await isDenied(request, container, asked))) return false;
  logDeletion(request, container, one, 403);
  tell(tally, one, refusal(403));
  return true;
}

async function deleteContainer(request: SwiftRequest, name: string): Promise<void> {
  const where = { projectId: request.projectId, container: name };
  const { container } = await enterContainer(request, where, { level: "container", method: "DELETE" });
  await request.store.namespace.deleteContainer(request.origin, container);
  request.known.delete(`${request.projectId}/${name}`);
}

async function deleteOne(tally: Tally, one: Doomed, work: () => Promise<unknown>): Promise<void> {
  await guard(tally, [one], async () => {
    await work();
    tally.deleted += 1;
  });
}

async function guard(tally: Tally, all: Doomed[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    for (const one of all) tell(tally, one, error);
  }
}

function tellKnown(tally: Tally, { name, error }: Doomed): boolean {
  if (error === undefined) return false;
  if (error.status === 404) tally.missing += 1;
  else tally.errors.push([quote(name), error.message]);
  return true;
}

const statusOfError = (error: unknown): number => (error instanceof CloudError ? statusOf(error) : 500);

function tell(tally: Tally, { name }: Doomed, error: unknown): void {
  const status = statusOfError(error);
  if (status === 404) {
    tally.missing += 1;
    return;
  }
  if (status >= 500) tally.isOurFault = true;
  tally.errors.push([quote(name), statusLine(status)]);
}
