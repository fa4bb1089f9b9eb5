/** What a list of servers may be narrowed and sorted by, in our own columns. */

export type ServerFilter = {
  /** null: all projects, for operators. */
  projectId: string | null;
  /** Column (snake case) -> value. Built from a fixed table, never from a client's words. */
  equal: { readonly [column: string]: string | number | boolean };
  /** Column -> regular expression. */
  matching: { readonly [column: string]: string };
  statuses?: string[];
  /** Observed states of servers that have been running. */
  powerStates?: string[];
  ids?: string[];
  changesSince?: Date;
  changesBefore?: Date;
  locked?: boolean;
  tags?: string[];
  tagsAny?: string[];
  notTags?: string[];
  notTagsAny?: string[];
  /** The question has no answer (an unknown status, only deleted servers): an empty page. */
  nothing?: boolean;
};

export const SORT_COLUMNS = [
  "access_ip_v4",
  "access_ip_v6",
  "availability_zone",
  "config_drive",
  "created_at",
  "description",
  "name",
  "host",
  "hostname",
  "image_id",
  "flavor_id",
  "key_name",
  "launch_index",
  "observed_launched_at",
  "locked_by",
  "project_id",
  "task_state",
  "updated_at",
  "user_id",
  "id",
  "vm_state",
  "disk_config",
] as const;

export type ServerSort = { column: (typeof SORT_COLUMNS)[number]; descending: boolean };
