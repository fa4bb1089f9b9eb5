/** Every statement on servers, except what reports write (hosts/host.queries.ts). */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type {
  FlavorCopy,
  ImageCopy,
  ListedServer,
  PowerChange,
  Server,
  ServerChanges,
  ShownServer,
} from "./server.model.ts";
import type { ServerFilter, ServerSort } from "./server-filter.ts";

/** The columns of a `ShownServer`. */
const shownColumns = (sql: Queryable) => sql`
  s.id, s.number, s.project_id, s.user_id, s.name, s.hostname, s.description, s.flavor_id, s.flavor, s.image_id, s.key_name, s.access_ip_v4,
  s.access_ip_v6, s.config_drive, s.disk_config, s.user_data, s.metadata, s.tags, s.reservation_id, s.launch_index, s.locked_by, s.locked_reason,
  s.created_at, s.updated_at, s.availability_zone, s.power, s.power_generation, s.reboot_kind, s.reboot_nonce, s.deleting, s.host, s.task,
  s.task_vm_state, s.mode, s.fault_code, s.fault_message, s.fault_at, s.observed_generation, s.observed_state, s.observed_spontaneous,
  s.observed_reboot_nonce, s.observed_fault, s.observed_launched_at, s.observed_at`;

const columns = (sql: Queryable) => sql`
  ${shownColumns(sql)}, s.image, s.key_type, s.public_key, s.seed, s.wanted_zone, s.wanted_host, s.scheduler_hints, s.power_nonce, s.generation,
  s.task_since, s.task_step, s.mode_since, s.other_flavor_id, s.other_flavor, s.other_host, s.other_disk_image, s.root_gib, s.disk_nonce,
  s.ephemeral_nonce, s.disk_image, s.reimage_id, s.rescue, s.shelved_image_id, s.observed_converged, s.observed_gone, s.observed_disks,
  s.observed_needs_keys`;

export type NewServer = {
  id: string;
  projectId: string;
  userId: string;
  name: string;
  hostname: string;
  description: string | null;
  flavorId: string;
  flavor: FlavorCopy;
  imageId: string;
  image: ImageCopy | null;
  keyName: string | null;
  keyType: string | null;
  publicKey: string | null;
  accessIpV4: string | null;
  accessIpV6: string | null;
  configDrive: boolean;
  diskConfig: string;
  userData: string | null;
  metadata: { [key: string]: string };
  tags: string[];
  adminPassword: Buffer | null;
  seed: string;
  wantedZone: string | null;
  wantedHost: string | null;
  schedulerHints: { [key: string]: unknown };
  reservationId: string;
  launchIndex: number;
  powerNonce: string;
  host: string | null;
  availabilityZone: string | null;
};

/** One row, generation 1, wanted running. */
export async function insertServer(sql: postgres.ISql, server: NewServer, at: Date): Promise<void> {
  await sql`
    insert into server (id, project_id, user_id, name, hostname, description, flavor_id, flavor, image_id, image, key_name, key_type, public_key,
      access_ip_v4, access_ip_v6, config_drive, disk_config, user_data, metadata, tags, admin_password, seed, wanted_zone, wanted_host,
      scheduler_hints, reservation_id, launch_index, power_nonce, host, availability_zone, created_at, updated_at, task_since)
    values (${server.id}, ${server.projectId}, ${server.userId}, ${server.name}, ${server.hostname}, ${server.description}, ${server.flavorId},
      ${sql.json(server.flavor)}, ${server.imageId}, ${server.image === null ? null : sql.json(server.image)}, ${server.keyName}, ${server.keyType}, ${server.publicKey},
      ${server.accessIpV4}, ${server.accessIpV6}, ${server.configDrive}, ${server.diskConfig}, ${server.userData}, ${sql.json(server.metadata)},
      ${server.tags}, ${server.adminPassword}, ${server.seed}, ${server.wantedZone}, ${server.wantedHost},
      ${sql.json(server.schedulerHints as postgres.JSONValue)}, ${server.reservationId}, ${server.launchIndex}, ${server.powerNonce}, ${server.host},
      ${server.availabilityZone}, ${at}, ${at}, ${at})`;
}

/** A server for the reconciler, or for an operator: whoever's it is. */
export async function findServer(sql: Queryable, id: string): Promise<Server | null> {
  const [row] = await sql<Server[]>`select ${columns(sql)} from server s where s.id = ${id}`;
  return row ?? null;
}

/** A server with what its next step depends on outside its row. */
export async function loadServer(sql: Queryable, id: string): Promise<(Server & { hostLostAt: Date | null }) | null> {
  const [row] = await sql<(Server & { hostLostAt: Date | null })[]>`
    select ${columns(sql)}, h.observed_lost_at as host_lost_at from server s left join compute_host h on h.name = s.host where s.id = ${id}`;
  return row ?? null;
}

/** A server of a project. */
export async function findProjectServer(sql: Queryable, id: string, projectId: string): Promise<Server | null> {
  const [row] = await sql<
    Server[]
  >`select ${columns(sql)} from server s where s.id = ${id} and s.project_id = ${projectId}`;
  return row ?? null;
}

/** The same, held until the transaction ends. `projectId` null: any project's. */
export async function lockServer(sql: Queryable, id: string, projectId: string | null): Promise<Server | null> {
  const [row] = await sql<Server[]>`
    select ${columns(sql)} from server s where s.id = ${id} ${projectId === null ? sql`` : sql`and s.project_id = ${projectId}`} for update`;
  return row ?? null;
}

/** The wrapped admin password, for the guest's metadata. */
export async function findAdminPassword(sql: Queryable, id: string): Promise<Buffer | null> {
  const [row] = await sql<{ adminPassword: Buffer | null }[]>`select admin_password from server where id = ${id}`;
  return row?.adminPassword ?? null;
}

/** A new word about power. It also ends an ERROR that the control plane had found. `bump`: the guest's spec changes by it. */
export async function setPower(
  sql: Queryable,
  id: string,
  change: PowerChange,
  options: { bump: boolean; at: Date },
): Promise<void> {
  const step = options.bump ? 1 : 0;
  await sql`
    update server set power = ${change.power}, power_nonce = ${change.powerNonce}, reboot_kind = ${change.reboot?.kind ?? null},
      reboot_nonce = ${change.reboot?.nonce ?? null}, generation = generation + ${step},
      power_generation = case when ${options.bump} then generation + ${step} else power_generation end,
      task_since = ${options.at}, updated_at = ${options.at}, fault_code = null, fault_message = null, fault_at = null
    where id = ${id}`;
}

/** The customer wants it gone: from here on nothing else counts. */
export async function setDeleting(sql: Queryable, id: string, at: Date): Promise<void> {
  await sql`update server set deleting = true, generation = generation + 1, task_since = ${at}, updated_at = ${at} where id = ${id}`;
}

/** The server's state is ERROR from now on, and this is why. */
export async function setFault(
  sql: Queryable,
  id: string,
  fault: { code: number; message: string } | null,
  at: Date,
): Promise<void> {
  await sql`
    update server set fault_code = ${fault?.code ?? null}, fault_message = ${fault?.message ?? null}, fault_at = ${fault === null ? null : at},
      updated_at = ${at}
    where id = ${id}`;
}

/** Given by the scheduler; false when the server has gone or has a host already. */
export async function setServerHost(sql: Queryable, id: string, host: string, zone: string): Promise<boolean> {
  const rows = await sql`
    update server set host = ${host}, availability_zone = ${zone}, observed_generation = null, observed_gone = false
    where id = ${id} and host is null and not deleting returning id`;
  return rows.length > 0;
}

/** What the API changes of a server's own fields. `bump`: the guest sees it (names, metadata), so its spec is sent anew. */
export async function updateServerRow(
  sql: postgres.ISql,
  id: string,
  changes: ServerChanges,
  options: { bump: boolean; at: Date },
): Promise<void> {
  const { metadata, ...plain } = changes;
  const values = {
    ...plain,
    ...(metadata === undefined ? {} : { metadata: sql.json(metadata) }),
    updatedAt: options.at,
  };
  const set = sql(values as never);
  await sql`update server set ${set}, generation = generation + ${options.bump ? 1 : 0} where id = ${id}`;
}

/** Interfaces changed: the guest's spec is sent anew. */
export async function bumpGeneration(sql: Queryable, id: string, at: Date): Promise<void> {
  await sql`update server set generation = generation + 1, updated_at = ${at} where id = ${id}`;
}

/** The same, when it is not the customer who changed something. */
export async function touchServerRow(sql: Queryable, id: string): Promise<void> {
  await sql`update server set generation = generation + 1 where id = ${id} and not deleting`;
}

/** The row goes; its name, tags and metadata with it. */
export async function deleteServerRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from server where id = ${id}`;
}

/** Which of these there are, and whether each has a host. */
export async function serversThatExist(sql: Queryable, ids: readonly string[]): Promise<Map<string, boolean>> {
  const rows = await sql<{ id: string; placed: boolean }[]>`
    select id, host is not null as placed from server where id = any(${ids as string[]})`;
  return new Map(rows.map((row) => [row.id, row.placed]));
}

/** Every server that is on its way somewhere: for the resync. */
export async function listUnsettledIds(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from server where deleting or task_state is not null union select id from server where unobserved`;
  return rows.map((row) => row.id);
}

/** Ids of a project's servers. */
export async function listProjectServerIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from server where project_id = ${projectId} order by created_at desc, id desc`;
  return rows.map((row) => row.id);
}

export type ServerPage = { filter: ServerFilter; sort: ServerSort[]; marker: string | undefined; limit: number };

/** One page, newest first unless sorted otherwise. Null: there is no server `marker` for this project. */
export async function listServers(sql: Queryable, page: ServerPage): Promise<ListedServer[] | null> {
  if (page.marker !== undefined && !(await markerExists(sql, page.marker, page.filter.projectId))) return null;
  return listServerStatement(sql, page);
}

/** Servers with the version they are read in. */
export async function listVersionedServers(
  sql: Queryable,
  ids: string[],
): Promise<(ShownServer & { version: string })[]> {
  return sql<(ShownServer & { version: string })[]>`
    select ${shownColumns(sql)}, s.xmin::text as version from server s where s.id = any(${ids}::text[])`;
}

/** For the EXPLAIN tests: the statement itself. */
export function listServerStatement(sql: Queryable, page: ServerPage): postgres.PendingQuery<ListedServer[]> {
  const keys = keysOf(page.sort);
  const order = keys.map(
    (key, index) =>
      sql`${index === 0 ? sql`` : sql`,`} ${expression(sql, key.column, "s")} ${key.descending ? sql`desc` : sql`asc`}`,
  );
  return sql<ListedServer[]>`
    select s.id, s.name, s.host, s.xmin::text as version from server s
    where ${conditions(sql, page.filter)}
      ${page.marker === undefined ? sql`` : sql`and ${afterMarker(sql, keys, page.marker)}`}
    order by ${order} limit ${page.limit}`;
}

async function markerExists(sql: Queryable, marker: string, projectId: string | null): Promise<boolean> {
  const rows =
    await sql`select 1 from server where id = ${marker} ${projectId === null ? sql`` : sql`and project_id = ${projectId}`}`;
  return rows.length > 0;
}

type Key = { column: ServerSort["column"] | "id"; descending: boolean };

/** Ends with the id, so that every order is total. */
function keysOf(sort: ServerSort[]): Key[] {
  const wanted: Key[] = sort.length === 0 ? [{ column: "created_at", descending: true }] : sort;
  return [...wanted, { column: "id", descending: wanted.at(-1)?.descending ?? true }];
}

const NULLABLE_TEXTS: readonly Key["column"][] = [
  "access_ip_v4",
  "access_ip_v6",
  "availability_zone",
  "description",
  "host",
  "key_name",
  "locked_by",
  "task_state",
];

/** Columns that may be null sort as the empty value, so that a keyset comparison is never null. */
function expression(sql: Queryable, column: Key["column"], alias: string) {
  const name = sql(`${alias}.${column}`);
  if (column === "observed_launched_at") return sql`coalesce(${name}, '-infinity'::timestamptz)`;
  return NULLABLE_TEXTS.includes(column) ? sql`coalesce(${name}, '')` : sql`${name}`;
}

/** All keys in one direction: a row comparison, which an index can start from. Mixed: the long way. */
function afterMarker(sql: Queryable, keys: Key[], marker: string) {
  const of = (key: Key) => sql`(select ${expression(sql, key.column, "m")} from server m where m.id = ${marker})`;
  if (keys.every((key) => key.descending === keys[0]?.descending)) {
    const left = keys.map((key, index) => sql`${index === 0 ? sql`` : sql`,`} ${expression(sql, key.column, "s")}`);
    const right = keys.map((key, index) => sql`${index === 0 ? sql`` : sql`,`} ${of(key)}`);
    return keys[0]?.descending === true ? sql`(${left}) < (${right})` : sql`(${left}) > (${right})`;
  }
  const ways = keys.map((key, index) => {
    const before = keys
      .slice(0, index)
      .map((earlier) => sql`${expression(sql, earlier.column, "s")} = ${of(earlier)} and`);
    const equal = before.length === 0 ? sql`` : before;
    const further = key.descending
      ? sql`${expression(sql, key.column, "s")} < ${of(key)}`
      : sql`${expression(sql, key.column, "s")} > ${of(key)}`;
    return sql`${index === 0 ? sql`` : sql`or`} (${equal} ${further})`;
  });
  return sql`(${ways})`;
}

function conditions(sql: Queryable, filter: ServerFilter) {
  const all = [
    ...(filter.projectId === null ? [] : [sql`s.project_id = ${filter.projectId}`]),
    // what was deleted and is only kept for a while is shown to who asks for it
    ...(filter.statuses?.includes("SOFT_DELETED") === true || filter.ids !== undefined
      ? []
      : [sql`s.mode <> 'soft-delete'`]),
    ...equalities(sql, filter),
    ...patterns(sql, filter),
    ...states(sql, filter),
    ...tagsOf(sql, filter),
    ...(filter.ids === undefined ? [] : [sql`s.id = any(${filter.ids})`]),
    ...(filter.changesSince === undefined ? [] : [sql`s.updated_at >= ${filter.changesSince}`]),
    ...(filter.changesBefore === undefined ? [] : [sql`s.updated_at <= ${filter.changesBefore}`]),
  ];
  if (all.length === 0) return sql`true`;
  return all.map((condition, index) => (index === 0 ? condition : sql`and ${condition}`));
}

const states = (sql: Queryable, filter: ServerFilter) => [
  ...(filter.statuses === undefined ? [] : [hasStatus(sql, filter.statuses)]),
  ...(filter.powerStates === undefined
    ? []
    : [sql`s.observed_launched_at is not null and s.observed_state = any(${filter.powerStates})`]),
  ...(filter.locked === undefined ? [] : [filter.locked ? sql`s.locked_by is not null` : sql`s.locked_by is null`]),
];

/** One status is the usual question, and then the index gives the order too. */
function hasStatus(sql: Queryable, statuses: string[]) {
  const [only = ""] = statuses;
  return statuses.length === 1
    ? sql`server_status(s.vm_state, s.task_state) = ${only}`
    : sql`server_status(s.vm_state, s.task_state) = any(${statuses})`;
}

const tagsOf = (sql: Queryable, filter: ServerFilter) => [
  ...(filter.tags === undefined ? [] : [sql`s.tags @> ${filter.tags}`]),
  ...(filter.tagsAny === undefined ? [] : [sql`s.tags && ${filter.tagsAny}`]),
  ...(filter.notTags === undefined ? [] : [sql`not s.tags @> ${filter.notTags}`]),
  ...(filter.notTagsAny === undefined ? [] : [sql`not s.tags && ${filter.notTagsAny}`]),
];

const equalities = (sql: Queryable, filter: ServerFilter) =>
  Object.entries(filter.equal).map(([column, value]) => sql`s.${sql(column)} = ${value as string}`);

const patterns = (sql: Queryable, filter: ServerFilter) =>
  Object.entries(filter.matching).map(([column, value]) => sql`s.${sql(column)}::text ~ ${value}`);
