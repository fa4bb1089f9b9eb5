/** A server's volume on the wire, by microversion. Pure. */
import type { ServerDisk } from "./server-disk.model.ts";

type Shown = Pick<
  ServerDisk,
  "id" | "serverId" | "volumeId" | "attachmentId" | "deviceName" | "tag" | "deleteOnTermination"
>;

/** As lists and GET show it. */
export const toAttachmentView = (disk: Shown, version: number): object => ({
  ...(version < 89 ? { id: disk.volumeId } : {}),
  volumeId: disk.volumeId,
  serverId: disk.serverId,
  device: disk.deviceName,
  ...(version >= 70 ? { tag: disk.tag } : {}),
  ...(version >= 79 ? { delete_on_termination: disk.deleteOnTermination } : {}),
  ...(version >= 89 ? { attachment_id: disk.attachmentId, bdm_uuid: disk.id } : {}),
});

/** As the answer to POST shows it: it kept its `id` in 2.89. */
export const toNewAttachmentView = (disk: Shown, version: number): object => ({
  ...toAttachmentView(disk, Math.min(version, 88)),
});
