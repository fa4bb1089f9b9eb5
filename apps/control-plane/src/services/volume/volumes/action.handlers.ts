/** `POST /volumes/{id}/action`: one handler for each action, found by the body's only member. */
import { invalid, notImplemented } from "@andromede/base/errors";

import type { ApiRequest, JsonSchema, Reply } from "../../../http/service.ts";
import { validate } from "../../../http/validation.ts";
import { checkAdmin } from "../common/actor.ts";
import { type MetadataInput, isoTime, isoTimeOrNull, toBoolean, toInteger, toMetadata } from "../common/wire.ts";
import { readType } from "../types/read-types.ts";
import { uploadVolume } from "../uploads/upload-image.ts";
import {
  attachAction,
  beginDetachingAction,
  connectionOf,
  detachAction,
  reserveAction,
  resetVolumeStatus,
  rollDetachingAction,
  unreserveAction,
} from "./attach-actions.ts";
import { extendVolume, refuseMigration, retypeVolume, revertVolume } from "./change-volume.ts";
import { reimageVolume } from "./reimage-volume.ts";
import { deleteVolume } from "./delete-volume.ts";
import { changeImageMetadata, setBootable, setReadOnly } from "./update-volume.ts";
import { getVolume, invalidVolume } from "./volume-access.ts";
import { idOf, noMetadata } from "./volume.handlers.ts";
import { SETTABLE_STATUSES, type VolumeStatus } from "./volume.model.ts";
import { ACTION_SCHEMAS, type ActionBody, type VolumeAction } from "./volume.schema.ts";

type Fields = { [name: string]: unknown };
type Handle = (request: ApiRequest, fields: Fields) => Promise<Reply>;

const accepted = async (work: Promise<unknown>): Promise<Reply> => {
  await work;
  return { status: 202 };
};
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const textOrNull = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const flag = (value: unknown): boolean => toBoolean(value as boolean | string | undefined);
const admin = (request: ApiRequest, action: string): void =>
  checkAdmin(request, `volume_extension:volume_admin_actions:${action}`);

const attach: Handle = (request, fields) =>
  accepted(
    attachAction(request, idOf(request), {
      serverId: textOrNull(fields["instance_uuid"]),
      host: textOrNull(fields["host_name"]),
      device: text(fields["mountpoint"]),
      mode: textOrNull(fields["mode"]) ?? "rw",
    }),
  );

const detach =
  (force: boolean): Handle =>
  (request, fields) => {
    if (force) admin(request, "force_detach");
    return accepted(detachAction(request, idOf(request), { attachmentId: textOrNull(fields["attachment_id"]), force }));
  };

const initializeConnection: Handle = async (request) => {
  const volume = await getVolume(request, idOf(request));
  return { status: 200, body: { connection_info: { ...connectionOf(volume, "rw"), enforce_multipath: false } } };
};

const upload: Handle = async (request, fields) => {
  const visibility = (textOrNull(fields["visibility"]) ?? "private") as "private";
  const isProtected = flag(fields["protected"]);
  const [diskFormat, containerFormat] = [
    textOrNull(fields["disk_format"]) ?? "raw",
    textOrNull(fields["container_format"]) ?? "bare",
  ];
  const { volume, imageId, at } = await uploadVolume(request, idOf(request), {
    name: text(fields["image_name"]),
    diskFormat,
    containerFormat,
    visibility,
    isProtected,
    force: flag(fields["force"]),
  });
  const type = await readType(request, volume.volumeTypeId);
  return {
    status: 202,
    body: {
      "os-volume_upload_image": {
        id: volume.id,
        updated_at: isoTime(at),
        status: "uploading",
        display_description: volume.description,
        size: volume.sizeGib,
        volume_type: {
          id: type.id,
          name: type.name,
          description: type.description,
          is_public: type.isPublic,
          extra_specs: type.extraSpecs,
          qos_specs_id: type.qosSpecsId,
          created_at: isoTime(type.createdAt),
          updated_at: isoTimeOrNull(type.updatedAt),
          deleted: false,
          deleted_at: null,
        },
        image_id: imageId,
        container_format: containerFormat,
        disk_format: diskFormat,
        image_name: text(fields["image_name"]),
        ...(request.version >= 1 ? { visibility, protected: isProtected } : {}),
      },
    },
  };
};

const setImageMetadata: Handle = async (request, fields) => {
  const added = toMetadata(fields["metadata"] as MetadataInput);
  const metadata = await changeImageMetadata(request, idOf(request), (current) => ({ ...current, ...added }));
  return { status: 200, body: { metadata } };
};

const unsetImageMetadata: Handle = async (request, fields) => {
  const key = text(fields["key"]);
  await changeImageMetadata(request, idOf(request), (current) => {
    if (!Object.hasOwn(current, key)) throw noMetadata(idOf(request), key, "Volume");
    const { [key]: _removed, ...rest } = current;
    return rest;
  });
  return { status: 200 };
};

const showImageMetadata: Handle = async (request) => ({
  status: 200,
  body: { metadata: (await getVolume(request, idOf(request))).imageMetadata ?? {} },
});

const resetStatus: Handle = (request, fields) => {
  admin(request, "reset_status");
  const status = textOrNull(fields["status"])?.toLowerCase() ?? null;
  if (status !== null && !(SETTABLE_STATUSES as readonly string[]).includes(status)) {
    throw invalid(`Invalid status: '${status}'`.slice(0, 300), { field: "status" });
  }
  if (status === "deleting" || status === "error_deleting" || status === "detaching") {
    throw invalid(`Cannot reset-state to ${status}`);
  }
  return accepted(
    resetVolumeStatus(request, idOf(request), {
      status: status as VolumeStatus | null,
      detached: fields["attach_status"] === "detached",
      migrationStatus: textOrNull(fields["migration_status"]),
    }),
  );
};

const HANDLERS: { readonly [action in VolumeAction]: Handle } = {
  "os-attach": attach,
  "os-detach": detach(false),
  "os-force_detach": detach(true),
  "os-reserve": (request) => accepted(reserveAction(request, idOf(request))),
  "os-unreserve": (request) => accepted(unreserveAction(request, idOf(request))),
  "os-begin_detaching": (request) => accepted(beginDetachingAction(request, idOf(request))),
  "os-roll_detaching": (request) => accepted(rollDetachingAction(request, idOf(request))),
  "os-initialize_connection": initializeConnection,
  // nothing was set up, so there is nothing to take down
  "os-terminate_connection": (request) => accepted(getVolume(request, idOf(request))),
  "os-extend": (request, fields) =>
    accepted(extendVolume(request, idOf(request), toInteger(fields["new_size"] as number | string, "new_size", 1))),
  "os-retype": (request, fields) => accepted(retypeVolume(request, idOf(request), text(fields["new_type"]))),
  "os-set_bootable": async (request, fields) => {
    await setBootable(request, idOf(request), flag(fields["bootable"]));
    return { status: 200 };
  },
  "os-update_readonly_flag": (request, fields) =>
    accepted(setReadOnly(request, idOf(request), flag(fields["readonly"]))),
  "os-volume_upload_image": upload,
  "os-set_image_metadata": setImageMetadata,
  "os-unset_image_metadata": unsetImageMetadata,
  "os-show_image_metadata": showImageMetadata,
  "os-reset_status": resetStatus,
  "os-force_delete": (request) => {
    admin(request, "force_delete");
    return accepted(deleteVolume(request, idOf(request), { cascade: false, force: true }));
  },
  "os-migrate_volume": (request, fields) => {
    admin(request, "migrate_volume");
    return accepted(
      refuseMigration(request, idOf(request), textOrNull(fields["host"]) ?? textOrNull(fields["cluster"])),
    );
  },
  "os-migrate_volume_completion": async (request) => {
    admin(request, "migrate_volume_completion");
    await getVolume(request, idOf(request));
    throw invalidVolume("Source volume not mid-migration.");
  },
  "os-unmanage": async (request) => {
    checkAdmin(request, "volume_extension:volume_unmanage");
    await getVolume(request, idOf(request));
    throw invalid("Unmanaging encrypted volumes is not supported.");
  },
  "os-reimage": (request, fields) =>
    accepted(reimageVolume(request, idOf(request), text(fields["image_id"]), flag(fields["reimage_reserved"]))),
  revert: (request, fields) => accepted(revertVolume(request, idOf(request), textOrNull(fields["snapshot_id"]))),
};

export async function actOnVolume(request: ApiRequest<ActionBody>): Promise<Reply> {
  const [name = ""] = Object.keys(request.body);
  if (!Object.hasOwn(HANDLERS, name)) throw invalid(`There is no such action: ${name}`.slice(0, 300));
  const action = name as VolumeAction;
  const fields = request.body[name];
  const entries = ACTION_SCHEMAS[action] as readonly { since: number; schema: JsonSchema }[];
  const schema = entries.findLast(({ since }) => since <= request.version)?.schema;
  if (schema === undefined) throw invalid(`There is no such action: ${action}`);
  validate(schema, fields);
  return HANDLERS[action](request, typeof fields === "object" && fields !== null ? (fields as Fields) : {});
}

/** Other clouds' volumes cannot be taken over, nor ours given away unencrypted. */
export function refuseManaging(): never {
  throw notImplemented("Existing storage cannot be managed: every volume here is made, and encrypted, here.", {
    status: 400,
  });
}
