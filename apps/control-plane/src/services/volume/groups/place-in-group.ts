/** A place in a group for a volume that is being made. */
import { invalid, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import { invalidGroup } from "./group.model.ts";
import { shareGroup } from "./group.queries.ts";

export type GroupPlace = {
  id: string;
  zone: string;
  /** Throws unless volumes of the type that was asked for may be in the group. */
  check(type: { id: string; name: string } | null): void;
};

export const noGroup = (id: string) => notFound(`Group ${id} could not be found.`.slice(0, 400));

/** The group cannot go before the volume is there to be seen. */
export async function holdGroupForVolume(sql: Queryable, id: string, projectId: string): Promise<GroupPlace> {
  const group = await shareGroup(sql, id, projectId);
  if (group === null) throw noGroup(id);
  if (!["available", "creating"].includes(group.status)) {
    throw invalidGroup("Originating group status must be one of 'available', 'creating' values");
  }
  return {
    id: group.id,
    zone: group.availabilityZone,
    check(type) {
      if (type === null) {
        throw invalid("Invalid input received: volume_type must be provided when creating a volume in a group.");
      }
      if (group.volumeTypeIds.includes(type.id)) return;
      throw invalid(
        `Invalid input received: Invalid volume_type ${type.name} provided (requested type must be supported by this group).`,
      );
    },
  };
}
