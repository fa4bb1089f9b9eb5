/** What a type of groups is. Pure. */
export type GroupType = {
  id: string;
  name: string;
  description: string | null;
  isPublic: boolean;
  groupSpecs: { [key: string]: string };
  createdAt: Date;
  updatedAt: Date | null;
};

const says = ({ groupSpecs }: Pick<GroupType, "groupSpecs">, key: string): boolean =>
  /^\s*<is>\s*true\s*$/i.test(groupSpecs[key] ?? "");

/** Are snapshots of its groups to show all volumes as they were at one and the same moment? */
export const isPartOfOneMoment = (type: Pick<GroupType, "groupSpecs">): boolean =>
  says(type, "consistent_group_snapshot_enabled");

export const isReplicated = (type: Pick<GroupType, "groupSpecs">): boolean =>
  says(type, "group_replication_enabled") || says(type, "consistent_group_replication_enabled");
