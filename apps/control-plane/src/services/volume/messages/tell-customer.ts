/** What went wrong behind a request, for whoever asks `GET /messages` (microversion 3.3). */
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import { deleteExpiredMessages, insertMessage } from "./message.queries.ts";

/** Cinder's numbers of what was being done (`cinder/message/message_field.py`). */
export const ACTIONS = {
  scheduleVolume: "001",
  uploadImage: "003",
  copyImage: "005",
  extendVolume: "007",
  createVolume: "008",
  createSnapshot: "009",
  deleteSnapshot: "010",
  createBackup: "013",
  deleteBackup: "014",
  restoreBackup: "015",
  reimageVolume: "016",
} as const;
export type MessageAction = keyof typeof ACTIONS;

/** As long as Cinder keeps them (`message_ttl`). */
const KEPT_MS = 30 * 86_400_000;

const PREFIX: { readonly [action in MessageAction]?: string } = {
  scheduleVolume: "schedule allocate volume:",
  uploadImage: "copy volume to image:",
  copyImage: "copy image to volume:",
  extendVolume: "extend volume:",
  createVolume: "create volume from backend storage:",
  createSnapshot: "create snapshot:",
  deleteSnapshot: "delete snapshot:",
  createBackup: "create backup:",
  deleteBackup: "delete backup:",
  restoreBackup: "restore backup:",
  reimageVolume: "reimage volume:",
};

export async function tellCustomer(
  tx: Transaction,
  about: {
    projectId: string;
    resourceType: "VOLUME" | "VOLUME_SNAPSHOT" | "VOLUME_BACKUP";
    resourceId: string;
    action: MessageAction;
    text: string;
    requestId?: string | null;
  },
  at: Date,
): Promise<void> {
  const { action, text, requestId = null, ...rest } = about;
  await Promise.all([
    insertMessage(tx.sql, {
      ...rest,
      id: newUuid(),
      requestId,
      // 003: no room anywhere; 001: as the text says
      eventId: `VOLUME_${about.resourceType}_${ACTIONS[action]}_${action === "scheduleVolume" ? "003" : "001"}`,
      level: "ERROR",
      text: `${PREFIX[action] ?? ""}${text}`,
      createdAt: at,
      expiresAt: new Date(at.getTime() + KEPT_MS),
    }),
    deleteExpiredMessages(tx.sql, at),
  ]);
}
