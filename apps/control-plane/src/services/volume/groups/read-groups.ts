/** Lists of groups, as the actor may see them. */
import type { ApiRequest } from "../../../http/service.ts";
import type { Filters, ListRequest } from "../common/list-request.ts";
import type { Group } from "./group.model.ts";
import { GROUP_SORT_KEYS, listGroups, listGroupVolumes } from "./group.queries.ts";

export const GROUP_SORTS = GROUP_SORT_KEYS;

export const readGroups = (request: ApiRequest, list: ListRequest, filters: Filters): Promise<Group[]> => {
  const { name, status, availability_zone: availabilityZone, group_type_id: groupTypeId, "name~": nameLike } = filters;
  return listGroups(request.app.db, list, {
    ...(name === undefined ? {} : { name }),
    ...(nameLike === undefined ? {} : { nameLike }),
    ...(status === undefined ? {} : { status }),
    ...(availabilityZone === undefined ? {} : { availabilityZone }),
    ...(groupTypeId === undefined ? {} : { groupTypeId }),
  });
};

/** Ids of the volumes in each of them, by the group's id. */
export async function readVolumesOf(request: ApiRequest, groups: readonly Group[]): Promise<Map<string, string[]>> {
  const rows = await listGroupVolumes(
    request.app.db,
    groups.map(({ id }) => id),
  );
  const found = new Map<string, string[]>();
  for (const { id, groupId } of rows) found.set(groupId, [...(found.get(groupId) ?? []), id]);
  return found;
}
