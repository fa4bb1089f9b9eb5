import type { Route } from "../../http/service.ts";
import { attachmentRoutes } from "./attachments/attachment.routes.ts";
import { backupRoutes } from "./backups/backup.routes.ts";
import { groupSnapshotRoutes } from "./group-snapshots/group-snapshot.routes.ts";
import { groupTypeRoutes } from "./group-types/group-type.routes.ts";
import { groupRoutes } from "./groups/group.routes.ts";
import { volumeHostRoutes } from "./hosts/host.routes.ts";
import { messageRoutes } from "./messages/message.routes.ts";
import { quotaRoutes } from "./quotas/quota.routes.ts";
import { snapshotRoutes } from "./snapshots/snapshot.routes.ts";
import { transferRoutes } from "./transfers/transfer.routes.ts";
import { volumeTypeRoutes } from "./types/type.routes.ts";
import { versionRoutes } from "./versions/version.routes.ts";
import { volumeResourceRoutes } from "./volumes/volume.routes.ts";

export const volumeRoutes: Route[] = [
  ...versionRoutes,
  ...volumeResourceRoutes,
  ...snapshotRoutes,
  ...backupRoutes,
  ...attachmentRoutes,
  ...transferRoutes,
  ...volumeTypeRoutes,
  ...groupTypeRoutes,
  ...groupRoutes,
  ...groupSnapshotRoutes,
  ...quotaRoutes,
  ...volumeHostRoutes,
  ...messageRoutes,
];
