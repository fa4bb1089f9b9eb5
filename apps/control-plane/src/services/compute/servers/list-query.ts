/** Reads what stands after "?" of a list of servers, as Nova does: names by microversion, and fewer of them for customers. */
import { forbidden, invalid } from "@andromede/base/errors";
import { checkPattern } from "@andromede/platform/db/patterns";

import { readPaging } from "../../../http/paging.ts";
import { readBoolean } from "../../../http/query.ts";
import type { Query } from "../../../http/service.ts";
import type { SORT_COLUMNS, ServerFilter, ServerSort } from "./server-filter.ts";
import { KNOWN_STATUSES } from "./server.model.ts";

export type Lister = { projectId: string; isAdmin: boolean; version: number };
export type AddressFilter = { version: 4 | 6; regex: string };
export type ListQuery = {
  filter: ServerFilter;
  addresses: AddressFilter[];
  sort: ServerSort[];
  marker: string | undefined;
  limit: number;
};

type Column = (typeof SORT_COLUMNS)[number];

/** Wire name -> column compared as it is. */
const EQUAL: { readonly [name: string]: { column: string; since: number } } = {
  reservation_id: { column: "reservation_id", since: 0 },
  image: { column: "image_id", since: 0 },
  image_ref: { column: "image_id", since: 0 },
  flavor: { column: "flavor_id", since: 0 },
  user_id: { column: "user_id", since: 83 },
  key_name: { column: "key_name", since: 83 },
  availability_zone: { column: "availability_zone", since: 83 },
  vm_state: { column: "vm_state", since: 83 },
  task_state: { column: "task_state", since: 83 },
  host: { column: "host", since: Infinity },
  uuid: { column: "id", since: Infinity },
  locked_by: { column: "locked_by", since: Infinity },
};
/** Wire name -> column that a regular expression is put to. */
const MATCHING: { readonly [name: string]: { column: string; since: number } } = {
  name: { column: "name", since: 0 },
  display_name: { column: "name", since: Infinity },
  hostname: { column: "hostname", since: Infinity },
  description: { column: "description", since: Infinity },
  display_description: { column: "description", since: Infinity },
  access_ip_v4: { column: "access_ip_v4", since: Infinity },
  access_ip_v6: { column: "access_ip_v6", since: Infinity },
  created_at: { column: "created_at", since: 83 },
  launched_at: { column: "observed_launched_at", since: 83 },
};
/** Known, and either handled below or of no effect on a server of ours. */
const OTHERS = [
  "project_id",
  "tenant_id",
  "launch_index",
  "kernel_id",
  "ramdisk_id",
  "power_state",
  "node",
  "terminated_at",
  "root_device_name",
  "config_drive",
  "auto_disk_config",
  "progress",
  "sort_key",
  "sort_dir",
  "all_tenants",
  "soft_deleted",
  "deleted",
  "status",
  "changes-since",
  "ip",
  "ip6",
  "limit",
  "marker",
  "metadata",
];
const SINCE_26 = ["tags", "tags-any", "not-tags", "not-tags-any"];
/** Names of joined tables: Nova refuses them by name. */
const REFUSED = ["block_device_mapping", "services", "system_metadata", "info_cache", "security_groups", "pci_devices"];

const SORT: { readonly [name: string]: Column } = {
  access_ip_v4: "access_ip_v4",
  access_ip_v6: "access_ip_v6",
  auto_disk_config: "disk_config",
  availability_zone: "availability_zone",
  config_drive: "config_drive",
  created_at: "created_at",
  display_description: "description",
  display_name: "name",
  host: "host",
  hostname: "hostname",
  image_ref: "image_id",
  instance_type_id: "flavor_id",
  key_name: "key_name",
  launch_index: "launch_index",
  launched_at: "observed_launched_at",
  locked_by: "locked_by",
  node: "host",
  project_id: "project_id",
  task_state: "task_state",
  updated_at: "updated_at",
  user_id: "user_id",
  uuid: "id",
  vm_state: "vm_state",
};
/** Valid, and the same for every server of ours: sorting by them changes nothing. */
const SORT_CONSTANT = ["kernel_id", "power_state", "progress", "ramdisk_id", "root_device_name", "terminated_at"];
/** Once valid by accident; accepted and ignored until 2.75. */
const SORT_IGNORED = [
  "architecture",
  "cell_name",
  "cleaned",
  "default_ephemeral_device",
  "default_swap_device",
  "deleted",
  "deleted_at",
  "disable_terminate",
  "ephemeral_gb",
  "ephemeral_key_uuid",
  "id",
  "key_data",
  "launched_on",
  "memory_mb",
  "os_type",
  "reservation_id",
  "root_gb",
  "shutdown_terminate",
  "user_data",
  "vcpus",
  "vm_mode",
];

export function readListQuery(query: Query, lister: Lister): ListQuery {
  refuseUnknown(query, lister.version);
  const { limit, marker } = readPaging(query, { maxLimit: 1000 });
  return {
    filter: readFilter(query, lister),
    addresses: readAddresses(query),
    sort: readSort(query, lister.version),
    marker,
    limit,
  };
}

function refuseUnknown(query: Query, version: number): void {
  for (const name of query.names()) {
    if (name.startsWith("_") || REFUSED.includes(name)) throw invalid(`Invalid filter field: ${name}.`);
    if (version < 75) continue;
    const known =
      Object.hasOwn(EQUAL, name) ||
      Object.hasOwn(MATCHING, name) ||
      OTHERS.includes(name) ||
      SINCE_26.includes(name) ||
      name === "changes-before" ||
      name === "locked";
    if (!known)
      throw invalid(
        `Invalid input for query parameters. Additional properties are not allowed ('${name}' was unexpected)`,
      );
  }
}

function readFilter(query: Query, lister: Lister): ServerFilter {
  const { isAdmin, version } = lister;
  const may = (since: number): boolean => isAdmin || version >= since;
  return {
    ...readScope(query, lister),
    equal: readEqual(query, isAdmin, may),
    matching: readMatching(query, may),
    ...readStatus(query, version),
    ...readDates(query, version),
    ...(version >= 26 ? readTags(query) : {}),
    ...(version >= 73 ? readLocked(query) : {}),
    ...(may(83) ? readPowerState(query) : {}),
    // a server that is gone leaves no row
    ...(isAdmin && readBoolean(query, "deleted") === true ? { nothing: true } : {}),
  };
}

type May = (since: number) => boolean;

function readEqual(query: Query, isAdmin: boolean, may: May): ServerFilter["equal"] {
  const equal: { [column: string]: string | number | boolean } = {};
  for (const [name, { column, since }] of Object.entries(EQUAL)) {
    const value = query.get(name);
    if (value !== undefined && may(since)) equal[column] = value;
  }
  const configDrive = may(83) ? readBoolean(query, "config_drive") : undefined;
  if (configDrive !== undefined) equal["config_drive"] = configDrive;
  const launchIndex = isAdmin ? query.get("launch_index") : undefined;
  if (launchIndex !== undefined && /^\d{1,9}$/.test(launchIndex)) equal["launch_index"] = Number(launchIndex);
  return equal;
}

function readMatching(query: Query, may: May): ServerFilter["matching"] {
  const matching: { [column: string]: string } = {};
  for (const [name, { column, since }] of Object.entries(MATCHING)) {
    const value = query.get(name);
    if (value !== undefined && may(since)) matching[column] = checkPattern(value, name);
  }
  return matching;
}

/** All projects only for operators who say so; `project_id` narrows that. */
function readScope(query: Query, { isAdmin, projectId }: Lister): { projectId: string | null } {
  const text = query.get("all_tenants");
  const all = text === "" ? true : readBoolean(query, "all_tenants") === true;
  if (!all) return { projectId };
  if (!isAdmin) throw forbidden("Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.");
  return { projectId: query.get("project_id") ?? query.get("tenant_id") ?? null };
}

/** Until 2.38 a status that does not exist is one that no server has. */
function readStatus(query: Query, version: number): Partial<ServerFilter> {
  const asked = query.all("status").map((status) => status.toUpperCase());
  if (asked.length === 0) return {};
  const unknown = asked.find((status) => !KNOWN_STATUSES.includes(status));
  if (unknown !== undefined && version >= 38) throw invalid(`Invalid status value: ${unknown}`);
  return { statuses: asked };
}

function readDates(query: Query, version: number): Partial<ServerFilter> {
  const since = readDate(query, "changes-since");
  const before = version >= 66 ? readDate(query, "changes-before") : undefined;
  if (since !== undefined && before !== undefined && since > before) {
    throw invalid("The value of changes-since must be less than or equal to changes-before.");
  }
  return {
    ...(since === undefined ? {} : { changesSince: since }),
    ...(before === undefined ? {} : { changesBefore: before }),
  };
}

const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/;

/** ISO 8601; without a zone it is UTC. */
export function readDate(query: Query, name: string): Date | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const zoned = /(Z|[+-]\d{2}(:?\d{2})?)$/.test(text.slice(10)) || text.length === 10 ? text : `${text}Z`;
  const at = new Date(
    zoned
      .replace(" ", "T")
      .replace(/([+-]\d{2})(\d{2})$/, "$1:$2")
      .replace(/([+-]\d{2})$/, (zone) => (text.length > 10 ? `${zone}:00` : zone)),
  );
  if (!DATE.test(text) || Number.isNaN(at.getTime()))
    throw invalid(`Invalid input for query parameters ${name}. Value: ${text}. '${text}' is not a 'date-time'`);
  return at;
}

function readTags(query: Query): Partial<ServerFilter> {
  const list = (name: string): string[] | undefined => query.get(name)?.split(",");
  const [all, any, notAll, notAny] = SINCE_26.map(list);
  return {
    ...(all === undefined ? {} : { tags: all }),
    ...(any === undefined ? {} : { tagsAny: any }),
    ...(notAll === undefined ? {} : { notTags: notAll }),
    ...(notAny === undefined ? {} : { notTagsAny: notAny }),
  };
}

function readLocked(query: Query): Partial<ServerFilter> {
  const locked = readBoolean(query, "locked");
  return locked === undefined ? {} : { locked };
}

const POWER: { readonly [number: string]: string[] } = {
  "0": ["preparing", "starting", "failed"],
  "1": ["running"],
  "3": ["paused"],
  "4": ["stopped"],
  "7": ["suspended"],
};

function readPowerState(query: Query): Partial<ServerFilter> {
  const text = query.get("power_state");
  if (text === undefined) return {};
  if (!/^\d{1,3}$/.test(text)) throw invalid(`Invalid filter field: power_state.`);
  return { powerStates: POWER[text] ?? [] };
}

/** Nova matches from the start of an address. */
function readAddresses(query: Query): AddressFilter[] {
  return (
    [
      ["ip", 4],
      ["ip6", 6],
    ] as const
  ).flatMap(([name, version]) => {
    const text = query.get(name);
    return text === undefined ? [] : [{ version, regex: `^(?:${checkPattern(text, name)})` }];
  });
}

const sortColumn = (name: string): Column | undefined => (Object.hasOwn(SORT, name) ? SORT[name] : undefined);

function readSort(query: Query, version: number): ServerSort[] {
  const directions = query.all("sort_dir");
  const sort: ServerSort[] = [];
  for (const [index, name] of query.all("sort_key").entries()) {
    const direction = directions[index] ?? directions.at(-1) ?? "desc";
    if (direction !== "asc" && direction !== "desc") throw invalid(`Unknown sort direction, must be 'desc' or 'asc'`);
    const column = name === "locked" && version >= 73 ? "locked_by" : sortColumn(name);
    if (column !== undefined) sort.push({ column, descending: direction === "desc" });
    else if (!SORT_CONSTANT.includes(name) && (version >= 75 || ![...SORT_IGNORED, "locked"].includes(name))) {
      throw invalid(
        `Invalid input for query parameters sort_key. Value: ${name}. '${name}' is not one of the known keys`,
      );
    }
  }
  return sort;
}
