/** Lists of snapshots, as the actor may see them. */
import { invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import type { Filters, ListRequest } from "../common/list-request.ts";
import type { Snapshot } from "./snapshot.model.ts";
import { SNAPSHOT_SORT_KEYS, type SnapshotFilter, countSnapshots, listSnapshots } from "./snapshot.queries.ts";

export const SNAPSHOT_SORTS = SNAPSHOT_SORT_KEYS;

export async function readSnapshots(
  request: ApiRequest,
  list: ListRequest,
  { filters, metadata }: { filters: Filters; metadata: { [key: string]: string } | undefined },
): Promise<{ snapshots: Snapshot[]; count: number | null }> {
  const { db } = request.app;
  const quota = request.version >= 65 ? filters["consumes_quota"] : undefined;
  if (quota !== undefined && !/^(true|false|1|0)$/i.test(quota)) {
    throw invalid(`Invalid input received: 'consumes_quota = ${quota.slice(0, 100)}'`);
  }
  const all: { [name in keyof SnapshotFilter]: SnapshotFilter[name] | undefined } = {
    name: filters["name"] ?? filters["display_name"],
    nameLike: filters["name~"],
    status: filters["status"],
    statusLike: filters["status~"],
    volumeId: filters["volume_id"],
    id: filters["id"],
    metadata,
    consumesQuota: quota === undefined ? undefined : /^(true|1)$/i.test(quota),
  };
  const filter = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as SnapshotFilter;
  const [snapshots, count] = await Promise.all([
    listSnapshots(db, list, filter),
    list.withCount ? countSnapshots(db, list, filter) : null,
  ]);
  return { snapshots, count };
}
