/** Lists of volumes, as the actor may see them. */
import { invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import {
  type Filters,
  type ListRequest,
  listScope,
  readDictionary,
  readFilters,
  readListRequest,
} from "../common/list-request.ts";
import { MAX_INT } from "../common/wire.ts";
import { findType } from "../types/type.queries.ts";
import {
  type TimeBound,
  type VolumeFilter,
  VOLUME_SORT_KEYS,
  countVolumes,
  listVolumes,
  summarizeVolumes,
} from "./list-volumes.queries.ts";
import type { Volume } from "./volume.model.ts";

/** Cinder's `resource_filters.json`; operators may use the rest too. */
const ENABLED = [
  "name",
  "status",
  "metadata",
  "bootable",
  "migration_status",
  "availability_zone",
  "group_id",
  "size",
  "glance_metadata",
  "created_at",
  "updated_at",
  "consumes_quota",
];
const KNOWN = [...ENABLED, "display_name", "id", "user_id", "project_id", "volume_type_id", "host", "multiattach"];
const LIKE = ["name", "status"];

/** Filters that older microversions pass over. */
const SINCE: { readonly [name: string]: number } = {
  glance_metadata: 4,
  group_id: 10,
  created_at: 60,
  updated_at: 60,
  consumes_quota: 65,
};

export async function readVolumes(
  request: ApiRequest,
): Promise<{ list: ListRequest; volumes: Volume[]; count: number | null }> {
  const { db } = request.app;
  const list = readListRequest(request, { sortKeys: VOLUME_SORT_KEYS, countSince: 45 });
  const filter = await toFilter(request);
  if (filter === null) return { list, volumes: [], count: list.withCount ? 0 : null };
  const [volumes, count] = await Promise.all([
    listVolumes(db, list, filter),
    list.withCount ? countVolumes(db, list, filter) : null,
  ]);
  return { list, volumes, count };
}

export async function readSummary(request: ApiRequest) {
  const filter = await toFilter(request);
  if (filter === null) return { count: 0, sizeGib: 0, metadata: {} };
  return summarizeVolumes(request.app.db, listScope(request), filter);
}

/** null: nothing can match. */
async function toFilter(request: ApiRequest): Promise<VolumeFilter | null> {
  const filters = readFilters(request, { enabled: ENABLED, known: KNOWN, like: LIKE });
  const at = (name: string): string | undefined => (request.version < (SINCE[name] ?? 0) ? undefined : filters[name]);
  const typeId = await typeOf(request, filters["volume_type_id"]);
  if (typeId === null) return null;
  const size = at("size");
  if (size !== undefined && (!/^\d{1,10}$/.test(size) || Number(size) > MAX_INT)) return null;
  const filter: { [name in keyof VolumeFilter]: VolumeFilter[name] | undefined } = {
    name: filters["name"] ?? filters["display_name"],
    nameLike: filters["name~"],
    status: at("status"),
    statusLike: filters["status~"],
    metadata: dictionary(at("metadata"), "metadata"),
    imageMetadata: dictionary(at("glance_metadata"), "glance_metadata"),
    bootable: bootable(request, filters),
    migrationStatus: at("migration_status"),
    availabilityZone: at("availability_zone"),
    groupId: at("group_id"),
    sizeGib: size === undefined ? undefined : Number(size),
    volumeTypeId: typeId,
    consumesQuota: flag(at("consumes_quota"), "consumes_quota"),
    id: at("id"),
    userId: at("user_id"),
    host: at("host")?.split("#").at(-1),
    multiattach: flag(at("multiattach"), "multiattach"),
    createdAt: bounds(at("created_at"), "created_at"),
    updatedAt: bounds(at("updated_at"), "updated_at"),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as VolumeFilter;
}

/** A type that the actor may not see matches nothing. */
async function typeOf(request: ApiRequest, id: string | undefined): Promise<string | undefined | null> {
  if (id === undefined) return undefined;
  const type = await findType(request.app.db, id, asksAsAdmin(request) ? null : request.actor.projectId);
  return type?.id ?? null;
}

const dictionary = (text: string | undefined, name: string): { [key: string]: string } | undefined =>
  text === undefined ? undefined : readDictionary(text, name);

/** Up to 3.1 anything but a "false" means bootable ones. */
function bootable({ version }: ApiRequest, filters: Filters): boolean | undefined {
  const text = filters["bootable"];
  if (text === undefined) return undefined;
  if (version < 2) return text !== "false" && text !== "False" && text !== "0";
  if (["t", "true", "1"].includes(text.toLowerCase())) return true;
  if (["f", "false", "0"].includes(text.toLowerCase())) return false;
  throw invalid(`Invalid input received: 'bootable = ${text.slice(0, 100)}'`, { field: "bootable" });
}

function flag(text: string | undefined, name: string): boolean | undefined {
  if (text === undefined) return undefined;
  if (["t", "true", "1", "yes", "on"].includes(text.toLowerCase())) return true;
  if (["f", "false", "0", "no", "off"].includes(text.toLowerCase())) return false;
  throw invalid(`Invalid input received: '${name} = ${text.slice(0, 100)}'`, { field: name });
}

const OPERATORS = ["gt", "gte", "eq", "neq", "lt", "lte"];

/** `gt:2026-01-01T00:00:00,lt:...` (3.60). */
function bounds(text: string | undefined, name: string): TimeBound[] | undefined {
  return text?.split(",").map((part) => {
    const colon = part.indexOf(":");
    const operator = part.slice(0, colon);
    if (!OPERATORS.includes(operator)) throw invalid(`Invalid ${operator.slice(0, 40)} operator`, { field: name });
    const time = part.slice(colon + 1);
    const isIso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(time);
    const at = new Date(/[Z+]|-\d\d:?\d\d$/.test(time.slice(10)) || time.length <= 10 ? time : `${time}Z`);
    if (!isIso || Number.isNaN(at.getTime())) throw invalid(`Invalid ${time.slice(0, 100)} value`, { field: name });
    return { operator: operator as TimeBound["operator"], at };
  });
}
