/** Backups as the actor may see them. */
import { type CloudError, notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import type { Filters, ListRequest } from "../common/list-request.ts";
import type { Backup } from "./backup.model.ts";
import { BACKUP_SORT_KEYS, type BackupFilter, countBackups, findBackup, listBackups } from "./backup.queries.ts";

export const BACKUP_SORTS = BACKUP_SORT_KEYS;

export const noBackup = (id: string): CloudError => notFound(`Backup ${id} could not be found.`.slice(0, 400));

export async function getBackup(request: ApiRequest, id: string): Promise<Backup> {
  const backup = await findBackup(request.app.db, id, scopeOf(request));
  if (backup === null) throw noBackup(id);
  return backup;
}

export async function readBackups(
  request: ApiRequest,
  list: ListRequest,
  filters: Filters,
): Promise<{ backups: Backup[]; count: number | null }> {
  const { db } = request.app;
  const filter: BackupFilter = {
    name: filters["name"],
    nameLike: filters["name~"],
    status: filters["status"],
    statusLike: filters["status~"],
    volumeId: filters["volume_id"],
    id: filters["id"],
  };
  const [backups, count] = await Promise.all([
    listBackups(db, list, filter),
    list.withCount ? countBackups(db, list, filter) : null,
  ]);
  return { backups, count };
}
