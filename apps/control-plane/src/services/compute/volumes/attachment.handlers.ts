import { forbidden } from "@andromede/base/errors";

import { allows } from "../../../http/policy.ts";
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { toBoolean } from "../common/wire.ts";
import { ruleNamed } from "../policy.ts";
import { getServer } from "../servers/read-servers.ts";
import type { AttachVolumeBody, UpdateAttachmentBody } from "./attachment.schema.ts";
import { toAttachmentView, toNewAttachmentView } from "./attachment.view.ts";
import {
  attachToServer,
  detachFromServer,
  readAttachment,
  readAttachments,
  refuseSwap,
  updateAttachment,
} from "./change-attachments.ts";

const serverOf = (request: Pick<ApiRequest, "params">): string => request.params["server_id"] ?? "";
const volumeOf = (request: Pick<ApiRequest, "params">): string => request.params["volume_id"] ?? "";

export const listAttachments = async (request: ApiRequest): Promise<Reply> =>
  ok({
    volumeAttachments: (await readAttachments(request, serverOf(request))).map((disk) =>
      toAttachmentView(disk, request.version),
    ),
  });

export const showAttachment = async (request: ApiRequest): Promise<Reply> =>
  ok({
    volumeAttachment: toAttachmentView(
      await readAttachment(request, serverOf(request), volumeOf(request)),
      request.version,
    ),
  });

export async function postAttachment(request: ApiRequest<AttachVolumeBody>): Promise<Reply> {
  const { volumeId, device = null, tag = null, delete_on_termination: drop = false } = request.body.volumeAttachment;
  const disk = await attachToServer(request, serverOf(request), {
    volumeId,
    device: device === "" ? null : device,
    tag,
    deleteOnTermination: toBoolean(drop),
  });
  return ok({ volumeAttachment: toNewAttachmentView(disk, request.version) });
}

/** Until 2.85 a PUT is a swap; from then on it changes what may be changed, and swaps when another volume is named. */
export async function putAttachment(request: ApiRequest<UpdateAttachmentBody>): Promise<Reply> {
  const { volumeId, delete_on_termination: drop, ...same } = request.body.volumeAttachment;
  await getServer(request, serverOf(request));
  const swaps = request.version < 85 || volumeId !== volumeOf(request);
  const rule = `os_compute_api:os-volumes-attachments:${swaps ? "swap" : "update"}`;
  if (!allows(ruleNamed(rule).role, request.actor, request.plane)) {
    throw forbidden(`Policy doesn't allow ${rule} to be performed.`);
  }
  if (swaps) return refuseSwap(request, serverOf(request), volumeOf(request), volumeId);
  await updateAttachment(request, serverOf(request), volumeOf(request), {
    same,
    ...(drop === undefined ? {} : { deleteOnTermination: toBoolean(drop) }),
  });
  return { status: 202 };
}

export async function deleteAttachment(request: ApiRequest): Promise<Reply> {
  await detachFromServer(request, serverOf(request), volumeOf(request));
  return { status: 202 };
}
