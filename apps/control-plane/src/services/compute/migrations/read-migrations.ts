import { invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import type { Migration, MigrationFilter } from "./migration.model.ts";
import { listMigrations } from "./migration.queries.ts";

/** One page, newest first. */
export async function readMigrations(
  { app }: Pick<ApiRequest, "app">,
  page: MigrationFilter & { limit: number; marker?: string },
): Promise<Migration[]> {
  const rows = await listMigrations(app.db, page);
  if (rows === null) throw invalid(`Marker ${page.marker ?? ""} could not be found.`);
  return rows;
}
