import { invalid, notFound } from "@andromede/base/errors";

import { nextPageQuery, readPaging } from "../../../http/paging.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { nextLink } from "../common/wire.ts";
import { readDate } from "../servers/list-query.ts";
import { getServer } from "../servers/read-servers.ts";
import type { MigrationFilter } from "./migration.model.ts";
import { readMigrations } from "./read-migrations.ts";
import { toMigrationView } from "./migration.view.ts";

const serverOf = (request: Pick<ApiRequest, "params">): string => request.params["server_id"] ?? "";

export async function listMigrationsHandler(request: ApiRequest): Promise<Reply> {
  const { version, query } = request;
  const paged = version >= 59;
  const { limit, marker } = paged ? readPaging(query, { maxLimit: 1000 }) : { limit: 10_000, marker: undefined };
  const rows = await readMigrations(request, {
    ...readFilter(request),
    limit,
    ...(marker === undefined ? {} : { marker }),
  });
  const last = rows.at(-1);
  const more = paged && limit > 0 && rows.length === limit && last !== undefined;
  return {
    status: 200,
    body: {
      migrations: rows.map((row) => toMigrationView(row, version)),
      ...(more ? { migrations_links: nextLink(request, "os-migrations", nextPageQuery(query, last.uuid)) } : {}),
    },
  };
}

function readFilter(request: ApiRequest): MigrationFilter {
  const { version, query } = request;
  const since = version >= 59 ? readDate(query, "changes-since") : undefined;
  const before = version >= 66 ? readDate(query, "changes-before") : undefined;
  if (since !== undefined && before !== undefined && before < since)
    throw invalid("The value of changes-since must be less than or equal to changes-before.");
  const text = (name: string): string | undefined => query.get(name);
  return {
    equal: {
      ...named("status", text("status")),
      ...named("kind", text("migration_type")),
      ...named("serverId", text("instance_uuid")),
      ...named("sourceHost", text("source_compute")),
      ...named("host", text("host")),
      ...(version >= 80 ? { ...named("userId", text("user_id")), ...named("projectId", text("project_id")) } : {}),
    },
    ...(since === undefined ? {} : { changesSince: since }),
    ...(before === undefined ? {} : { changesBefore: before }),
  };
}

const named = (name: string, value: string | undefined): { [name: string]: string } =>
  value === undefined ? {} : { [name]: value };

/** Live migrations under way: servers here do not move while they run. */
export async function listServerMigrations(request: ApiRequest): Promise<Reply> {
  await getServer(request, serverOf(request));
  return { status: 200, body: { migrations: [] } };
}

/** So whichever is asked for, it is not under way. */
export async function noServerMigration(request: ApiRequest): Promise<Reply> {
  const serverId = serverOf(request);
  await getServer(request, serverId);
  throw notFound(
    `In-progress live migration ${request.params["migration_id"] ?? ""} is not found for server ${serverId}.`,
  );
}
