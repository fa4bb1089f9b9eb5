/** What guests' specs say of volumes. */
import type { DiskLimits } from "@andromede/agent-api/types";
import type { Queryable } from "@andromede/platform/db/database";

import type { App } from "../../../app.ts";
import { limitsOf } from "../types/qos.model.ts";
import { type AttachmentStatus, isReadOnly, keyName } from "../volumes/volume.model.ts";
import { listServerDiskRows } from "./attachment.queries.ts";

export type ServerDisk = {
  attachmentId: string;
  volumeId: string;
  sizeGib: number;
  /** The LUKS passphrase, base64: for the agent's ears only. */
  key: string;
  readOnly: boolean;
  shared: boolean;
  limits?: DiskLimits;
  status: AttachmentStatus;
};

export async function readServerDisks(
  app: Pick<App, "keys">,
  sql: Queryable,
  serverIds: readonly string[],
): Promise<Map<string, ServerDisk[]>> {
  const rows = await listServerDiskRows(sql, serverIds);
  const disks = new Map<string, ServerDisk[]>();
  for (const row of rows) {
    const key = await app.keys.unwrapForProject(sql, row.projectId, row.wrappedKey, keyName(row.volumeId));
    const limits = limitsOf(row.specs, row.sizeGib);
    const disk: ServerDisk = {
      attachmentId: row.attachmentId,
      volumeId: row.volumeId,
      sizeGib: row.sizeGib,
      key: key.toString("base64"),
      readOnly: isReadOnly(row, row.mode),
      shared: row.multiattach,
      status: row.status,
      ...(limits === undefined ? {} : { limits }),
    };
    disks.set(row.serverId, [...(disks.get(row.serverId) ?? []), disk]);
  }
  return disks;
}
