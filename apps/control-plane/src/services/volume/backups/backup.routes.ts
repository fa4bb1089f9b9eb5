import { route } from "../../../http/service.ts";
import { actionBodySchema } from "../volumes/volume.schema.ts";
import {
  actOnBackup,
  exportRecord,
  importRecord,
  listBackups,
  listBackupsDetail,
  postBackup,
  putBackup,
  removeBackup,
  restoreBackup,
  showBackup,
} from "./backup.handlers.ts";
import { createBackupSchema, importBackupSchema, restoreBackupSchema, updateBackupSchema } from "./backup.schema.ts";

const B = "/v3/backups";
const ONE = `${B}/:backup_id`;

export const backupRoutes = [
  route({ method: "GET", path: B, rule: "backup:get_all", handler: listBackups }),
  route({ method: "GET", path: `${B}/detail`, rule: "backup:get_all", handler: listBackupsDetail }),
  route({ method: "POST", path: B, rule: "backup:create", body: createBackupSchema, handler: postBackup }),
  route({
    method: "POST",
    path: `${B}/import_record`,
    rule: "backup:backup-import",
    body: importBackupSchema,
    handler: importRecord,
  }),
  route({ method: "GET", path: ONE, rule: "backup:get", handler: showBackup }),
  route({ method: "PUT", path: ONE, rule: "backup:update", since: 9, body: updateBackupSchema, handler: putBackup }),
  route({ method: "DELETE", path: ONE, rule: "backup:delete", handler: removeBackup }),
  route({
    method: "POST",
    path: `${ONE}/restore`,
    rule: "backup:restore",
    body: restoreBackupSchema,
    handler: restoreBackup,
  }),
  route({ method: "GET", path: `${ONE}/export_record`, rule: "backup:backup-export", handler: exportRecord }),
  route({
    method: "POST",
    path: `${ONE}/action`,
    rule: "volume_extension:backup_admin_actions",
    body: actionBodySchema,
    handler: actOnBackup,
  }),
];
