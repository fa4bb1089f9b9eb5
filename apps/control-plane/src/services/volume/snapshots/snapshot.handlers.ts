/** Wire -> use case -> view, for snapshots. */
import { invalid, notFound } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { validate } from "../../../http/validation.ts";
import { checkAdmin } from "../common/actor.ts";
import { pageLinks, readDictionary, readFilters, readListRequest } from "../common/list-request.ts";
import { toBoolean, toMetadata, trimmed } from "../common/wire.ts";
import { itemOf, noMetadata } from "../volumes/volume.handlers.ts";
import type { ActionBody, MetaBody, MetadataBody } from "../volumes/volume.schema.ts";
import {
  changeSnapshotMetadata,
  deleteSnapshot,
  getSnapshot,
  reportSnapshot,
  resetSnapshot,
  updateSnapshot,
} from "./change-snapshots.ts";
import { createSnapshot } from "./create-snapshot.ts";
import { readSnapshots, SNAPSHOT_SORTS } from "./read-snapshots.ts";
import { SETTABLE_SNAPSHOT_STATUSES, type SnapshotStatus } from "./snapshot.model.ts";
import {
  type CreateSnapshotBody,
  SNAPSHOT_ACTION_SCHEMAS,
  type SnapshotAction,
  type UpdateSnapshotBody,
} from "./snapshot.schema.ts";
import { toSnapshotDetail, toSnapshotSummary } from "./snapshot.view.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["snapshot_id"] ?? "";
const keyOf = (request: Pick<ApiRequest, "params">): string => request.params["key"] ?? "";

async function list(request: ApiRequest, toView: typeof toSnapshotDetail): Promise<Reply> {
  const asked = readListRequest(request, { sortKeys: SNAPSHOT_SORTS, countSince: 45 });
  const filters = readFilters(request, {
    enabled: ["name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota"],
    known: [
      "name",
      "display_name",
      "status",
      "volume_id",
      "metadata",
      "availability_zone",
      "consumes_quota",
      "project_id",
      "id",
    ],
    like: ["name", "status"],
  });
  const metadata = request.version >= 22 ? filters["metadata"] : undefined;
  const { snapshots, count } = await readSnapshots(request, asked, {
    filters,
    metadata: metadata === undefined ? undefined : readDictionary(metadata, "metadata"),
  });
  return {
    status: 200,
    body: {
      snapshots: snapshots.map((snapshot) => toView(request, snapshot)),
      ...pageLinks(request, "snapshots_links", asked, snapshots),
      ...(count === null ? {} : { count }),
    },
  };
}

export const listSnapshots = (request: ApiRequest): Promise<Reply> => list(request, toSnapshotSummary);
export const listSnapshotsDetail = (request: ApiRequest): Promise<Reply> => list(request, toSnapshotDetail);

export const showSnapshot = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { snapshot: toSnapshotDetail(request, await getSnapshot(request, idOf(request))) },
});

export async function postSnapshot(request: ApiRequest<CreateSnapshotBody>): Promise<Reply> {
  const { snapshot } = request.body;
  if (snapshot.volume_id === null) throw notFound("Volume None could not be found.");
  const force = snapshot.force === undefined || snapshot.force === null ? null : toBoolean(snapshot.force);
  if (request.version >= 66 && force === false) {
    throw invalid(
      "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.",
    );
  }
  const made = await createSnapshot(request, {
    volumeId: snapshot.volume_id,
    name: trimmed(snapshot.name === undefined ? snapshot.display_name : snapshot.name) ?? null,
    description: trimmed(snapshot.description) ?? null,
    metadata: toMetadata(snapshot.metadata),
    allowInUse: force === true || request.version >= 66,
  });
  return { status: 202, body: { snapshot: toSnapshotSummary(request, made) } };
}

export async function putSnapshot(request: ApiRequest<UpdateSnapshotBody>): Promise<Reply> {
  const { snapshot } = request.body;
  const name = trimmed(snapshot.name === undefined ? snapshot.display_name : snapshot.name);
  const description = trimmed(snapshot.description === undefined ? snapshot.display_description : snapshot.description);
  const updated = await updateSnapshot(request, idOf(request), {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
  });
  return { status: 200, body: { snapshot: toSnapshotSummary(request, updated) } };
}

export async function removeSnapshot(request: ApiRequest): Promise<Reply> {
  await deleteSnapshot(request, idOf(request), false);
  return { status: 202 };
}

export const listSnapshotMetadata = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { metadata: (await getSnapshot(request, idOf(request))).metadata },
});

export const postSnapshotMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> => ({
  status: 200,
  body: {
    metadata: await changeSnapshotMetadata(request, idOf(request), (current) => ({
      ...current,
      ...toMetadata(request.body.metadata),
    })),
  },
});

export const putSnapshotMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> => ({
  status: 200,
  body: { metadata: await changeSnapshotMetadata(request, idOf(request), () => toMetadata(request.body.metadata)) },
});

export async function showSnapshotMetadataItem(request: ApiRequest): Promise<Reply> {
  const { id, metadata } = await getSnapshot(request, idOf(request));
  const key = keyOf(request);
  if (!Object.hasOwn(metadata, key)) throw noMetadata(id, key, "Snapshot");
  return { status: 200, body: { meta: { [key]: metadata[key] } } };
}

export async function putSnapshotMetadataItem(request: ApiRequest<MetaBody>): Promise<Reply> {
  const meta = itemOf(request);
  await changeSnapshotMetadata(request, idOf(request), (current) => ({ ...current, ...meta }));
  return { status: 200, body: { meta } };
}

export async function deleteSnapshotMetadataItem(request: ApiRequest): Promise<Reply> {
  const key = keyOf(request);
  await changeSnapshotMetadata(request, idOf(request), (current) => {
    if (!Object.hasOwn(current, key)) throw noMetadata(idOf(request), key, "Snapshot");
    const { [key]: _removed, ...rest } = current;
    return rest;
  });
  return { status: 200 };
}

export async function actOnSnapshot(request: ApiRequest<ActionBody>): Promise<Reply> {
  const [name = ""] = Object.keys(request.body);
  if (!Object.hasOwn(SNAPSHOT_ACTION_SCHEMAS, name)) throw invalid(`There is no such action: ${name}`.slice(0, 300));
  const action = name as SnapshotAction;
  validate(SNAPSHOT_ACTION_SCHEMAS[action], request.body[name]);
  const fields = (request.body[name] ?? {}) as { status?: string; progress?: string | number };
  switch (action) {
    case "os-reset_status": {
      checkAdmin(request, "volume_extension:snapshot_admin_actions:reset_status");
      const status = fields.status?.toLowerCase() ?? "";
      if (!(SETTABLE_SNAPSHOT_STATUSES as readonly string[]).includes(status)) {
        throw invalid(`Invalid status: '${status}'`.slice(0, 300), { field: "status" });
      }
      await resetSnapshot(request, idOf(request), { status: status as SnapshotStatus });
      return { status: 202 };
    }
    case "os-force_delete":
      checkAdmin(request, "volume_extension:snapshot_admin_actions:force_delete");
      await deleteSnapshot(request, idOf(request), true);
      return { status: 202 };
    case "os-update_snapshot_status":
      await reportSnapshot(request, idOf(request), {
        status: fields.status ?? "",
        progress: fields.progress === undefined ? null : String(fields.progress),
      });
      return { status: 202 };
    case "os-unmanage":
      checkAdmin(request, "snapshot_extension:snapshot_unmanage");
      await getSnapshot(request, idOf(request));
      throw invalid("Unmanaging snapshots of encrypted volumes is not supported.");
  }
}
