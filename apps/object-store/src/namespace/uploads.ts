import { notFound, unavailable } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";

import { PACKED_BYTES } from "../bytes/byte-store.ts";
import { checkBody, checkEtag, settling } from "./bodies.ts";
import { applyPlan, assertRoom, beginWrite, checkRoom, chunksOf, newVersionId, quotasOf } from "./commit-put.ts";
import type { Container } from "./container.model.ts";
import type { NamespaceDeps } from "./deps.ts";
import { objectEvent } from "./events.ts";
import { lockKeys, lockUpload, shareContainer, shareUpload } from "./locks.queries.ts";
import { checkKey, isStorable } from "./names.ts";
import type { Namespace, Part, Upload } from "./namespace.ts";
import type { StoredObject } from "./object.model.ts";
import { addUsage, findWriteState, freeChunks, insertChunks, isAlive, nextSequences } from "./object.queries.ts";
import { assemble } from "./plan-complete.ts";
import { lockedBy } from "./plan-lock.ts";
import { planPut } from "./plan-put.ts";
import { rollUp } from "./roll-up.ts";
import type { SealingKeys } from "./sealing-keys.ts";
import { transact } from "./transact.ts";
import { createUploadIds } from "./upload-ids.ts";
import {
  adoptChunks,
  countParts,
  deleteUpload,
  findUploadRow,
  freeParts,
  insertUpload,
  listLaterUploads,
  listPartRows,
  listUploadRows,
  putPartRow,
  takePartRow,
} from "./upload.queries.ts";
import { weighed } from "./version.model.ts";

type Uploads = Pick<
  Namespace,
  "createUpload" | "findUpload" | "listUploads" | "putPart" | "listParts" | "completeUpload" | "abortUpload"
>;
type Range = Parameters<Namespace["listUploads"]>[1];
type NewPart = Parameters<Namespace["putPart"]>[3];
type Completion = Parameters<Namespace["completeUpload"]>[4];

const MOST_PARTS = 10_000;

export function createUploads(deps: NamespaceDeps, keys: SealingKeys): Uploads {
  const { db } = deps;
  const newId = createUploadIds();
  return {
    createUpload: (origin, container, upload) => createUpload(deps, newId, origin, container, upload),
    async findUpload(container, key, uploadId) {
      const found = isStorable(uploadId) ? await findUploadRow(db, uploadId) : null;
      return found?.containerId === container.id && found.key === key ? found : null;
    },
    listUploads: (container, range) => listUploads(deps, container, range),
    putPart: (origin, container, upload, part) => putPart(deps, keys, origin, { container, upload, part }),
    async listParts(upload, after, limit) {
      const rows = await listPartRows(db, upload.id, after, limit + 1);
      return { parts: rows.slice(0, limit).map(toPart), truncated: rows.length > limit };
    },
    completeUpload: (origin, container, upload, parts, options) =>
      completeUpload(deps, origin, { container, upload, parts, options }),
    abortUpload: (origin, container, upload) => abortUpload(deps, origin, container, upload),
  };
}

const toPart = ({ number, size, etag, checksums, modifiedAt }: Part): Part => ({
  number,
  size,
  etag,
  checksums,
  modifiedAt,
});

const noUpload = () =>
  notFound(
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { type: "NoSuchUpload" },
  );
const noContainer = (name: string) => notFound(`Container ${name} was not found`, { type: "NoSuchBucket" });

async function createUpload(
  deps: NamespaceDeps,
  newId: (nowMs: number) => string,
  origin: Origin,
  container: Container,
  wanted: Pick<Upload, "key" | "contentType" | "metadata" | "details">,
): Promise<Upload> {
  checkKey(wanted.key);
  return transact(deps, origin, async ({ sql, last }) => {
    const [, state] = await Promise.all([shareContainer(sql, container.id), findWriteState(sql, container.id)]);
    if (state === null) throw noContainer(container.name);
    const nowMs = deps.clock.now();
    // refused now what could never be completed
    lockedBy(state.settings, wanted.details, nowMs);
    const upload: Upload = {
      ...wanted,
      id: newId(nowMs),
      containerId: container.id,
      initiatedBy: origin.userId ?? "",
      initiatedAt: new Date(nowMs),
    };
    last(insertUpload(sql, upload));
    return upload;
  });
}

async function listUploads({ db }: NamespaceDeps, container: Container, range: Range) {
  const { marker, uploadIdMarker, limit, reverse = false } = range;
  const isInside = marker !== undefined && uploadIdMarker !== undefined && isStorable(marker + uploadIdMarker);
  const isListed =
    isInside &&
    marker.startsWith(range.prefix ?? "") &&
    !(range.delimiter ? marker.includes(range.delimiter, range.prefix?.length ?? 0) : false);
  const later =
    isListed && limit > 0 ? await listLaterUploads(db, container.id, marker, uploadIdMarker, limit + 1) : [];
  if (later.length > limit) return { entries: later.slice(0, limit), truncated: true };
  // one more is asked for than there is room: with none left, whether there is more is all that is asked
  const rest = await rollUp({ ...range, limit: Math.max(1, limit - later.length) }, async (span, most) =>
    (await listUploadRows(db, container.id, span, { reverse, limit: most })).map((row) => ({
      name: row.key,
      item: row,
    })),
  );
  if (limit <= later.length) return { entries: later.slice(0, limit), truncated: limit > 0 && rest.entries.length > 0 };
  return { entries: [...later, ...rest.entries], truncated: rest.truncated };
}

async function putPart(
  deps: NamespaceDeps,
  keys: SealingKeys,
  origin: Origin,
  { container, upload, part }: { container: Container; upload: Upload; part: NewPart },
): Promise<Part> {
  const { size, maxBytes, digests, number } = part;
  const { customerKey } = part;
  // a large body is refused before it is sent, if it can be
  if (size === null || size > PACKED_BYTES) await tryPart(deps, container, { upload, number, size: size ?? 0 });
  const key = await keys.keyFor(container, upload.details.encryption, { customerKey, origin });
  const written = await deps.bytes.write(part.body, { key, digests, size, maxBytes, mayPack: false });
  return settling(written, async () => {
    const checked = checkBody(written, (seen) => part.check?.(seen), {});
    const { checksums } = checked.details as { checksums?: { algorithm: string; value: string } };
    const made: Part = {
      number,
      size: written.size,
      etag: checked.etag,
      checksums: checksums === undefined ? null : { [checksums.algorithm]: checksums.value },
      modifiedAt: new Date(deps.clock.now()),
    };
    return transact(deps, origin, async ({ sql, last }) => {
      const [, , , state, found, sequences, live] = await Promise.all([
        shareContainer(sql, container.id),
        shareUpload(sql, upload.id),
        // of two that send one part, one after the other
        lockKeys(sql, container.id, [`${upload.id}/${number}`]),
        findWriteState(sql, container.id),
        findUploadRow(sql, upload.id),
        nextSequences(sql, 1),
        isAlive(sql, written.writerId),
      ]);
      if (state === null) throw noContainer(container.name);
      if (found === null) throw noUpload();
      if (!live) throw notKept();
      const sequence = sequences[0] ?? 0;
      const was = await takePartRow(sql, upload.id, number);
      const more = made.size - (was?.size ?? 0);
      await assertRoom(sql, state, { objects: 0, bytes: more });
      if (was !== null) last(freeChunks(sql, [was.sequence], made.modifiedAt));
      last(
        putPartRow(sql, upload.id, { ...made, sequence }),
        insertChunks(sql, sequence, chunksOf(written.placement)),
        countParts(sql, container.id, more),
      );
      return made;
    });
  });
}

/** Would it be refused? Decides nothing: that is done when the part is there. */
async function tryPart(
  { db }: NamespaceDeps,
  container: Container,
  { upload, number, size }: { upload: Upload; number: number; size: number },
): Promise<void> {
  const state = await findWriteState(db, container.id);
  if (state === null) throw noContainer(container.name);
  const of = quotasOf(state);
  if (!of.account && !of.container) return;
  // who sends a part anew replaces it
  const [was] = await listPartRows(db, upload.id, number - 1, 1);
  await checkRoom(db, state, { objects: 0, bytes: size - (was?.number === number ? was.size : 0) });
}

const notKept = () => unavailable("The part could not be kept; try again", { type: "ServiceUnavailable" });

type Completing = {
  container: Container;
  upload: Upload;
  parts: { number: number; etag: string }[];
  options: Completion;
};

/** Of a completion and an abortion at once, one finds the upload. */
async function completeUpload(
  deps: NamespaceDeps,
  origin: Origin,
  { container, upload, parts, options }: Completing,
): Promise<StoredObject> {
  return transact(deps, origin, async (change) => {
    const { sql, event, last } = change;
    const [, , found, rows] = await Promise.all([
      shareContainer(sql, container.id),
      lockUpload(sql, upload.id),
      findUploadRow(sql, upload.id),
      listPartRows(sql, upload.id, 0, MOST_PARTS),
    ]);
    const { state, versions, sequence } = await beginWrite(change, container, upload.key, null);
    if (found === null) throw noUpload();
    const assembly = assemble(rows, parts);
    const nowMs = deps.clock.now();
    const now = new Date(nowMs);
    const { precondition } = options;
    const plan = planPut(
      { versioning: state.settings.versioning, versions, nowMs },
      { precondition, freshId: newVersionId() },
    );
    const added = weighed(plan, { size: assembly.size });
    // its parts were counted when they came
    const counted = rows.reduce((sum, { size }) => sum + size, 0);
    await assertRoom(sql, state, { objects: added.objects, bytes: added.bytes - counted });
    const details = { ...options.details, parts: assembly.parts.map(({ size }) => size) };
    const stored: StoredObject = {
      containerId: container.id,
      key: upload.key,
      sequence,
      versionId: plan.newVersionId ?? "null",
      isCurrent: true,
      isDeleteMarker: false,
      size: assembly.size,
      etag: checkEtag(options.etag),
      contentType: upload.contentType,
      modifiedAt: now,
      deleteAt: null,
      metadata: upload.metadata,
      details: lockedBy(state.settings, details, nowMs),
      pack: null,
    };
    last(
      adoptChunks(sql, sequence, assembly.parts),
      freeParts(sql, { id: upload.id, containerId: container.id }, now),
      deleteUpload(sql, upload.id),
      ...applyPlan(sql, { containerId: container.id, key: upload.key, plan, insert: stored, now }),
      addUsage(sql, container.id, added),
    );
    if (state.settings.objectEvents === true)
      event(
        objectEvent("object.object.create", state, upload.key, {
          size: stored.size,
          etag: stored.etag,
          versionId: stored.versionId,
        }),
      );
    return stored;
  });
}

export async function abortUpload(
  deps: Pick<NamespaceDeps, "db" | "clock">,
  origin: Origin,
  container: Pick<Container, "id">,
  upload: Pick<Upload, "id">,
): Promise<void> {
  await transact(deps, origin, async ({ sql, last }) => {
    const [, , found] = await Promise.all([
      shareContainer(sql, container.id),
      lockUpload(sql, upload.id),
      findUploadRow(sql, upload.id),
    ]);
    if (found === null) throw noUpload();
    const now = new Date(deps.clock.now());
    last(freeParts(sql, { id: upload.id, containerId: container.id }, now), deleteUpload(sql, upload.id));
  });
}
