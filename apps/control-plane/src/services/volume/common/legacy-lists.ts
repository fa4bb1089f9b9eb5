/** Whole lists for Nova's older doors, which know nothing of Cinder's filters and microversions. */
import { parseQuery } from "../../../http/query.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { SNAPSHOT_SORTS, readSnapshots } from "../snapshots/read-snapshots.ts";
import type { Snapshot } from "../snapshots/snapshot.model.ts";
import { readVolumes } from "../volumes/read-volumes.ts";
import type { Volume } from "../volumes/volume.model.ts";
import { readListRequest } from "./list-request.ts";

const plain = (request: ApiRequest): ApiRequest => ({ ...request, version: 0, query: parseQuery("limit=1000") });

/** The project's own, newest first. */
export const listAllVolumes = async (request: ApiRequest): Promise<Volume[]> =>
  (await readVolumes(plain(request))).volumes;

export async function listAllSnapshots(request: ApiRequest): Promise<Snapshot[]> {
  const list = readListRequest(plain(request), { sortKeys: SNAPSHOT_SORTS });
  return (await readSnapshots(plain(request), list, { filters: {}, metadata: undefined })).snapshots;
}
