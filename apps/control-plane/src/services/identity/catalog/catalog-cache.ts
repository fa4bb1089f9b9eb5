/**
 * What the operator added to the catalog, kept for a second: every sign-in and validation shows it, and it changes
 * about never. While the database does not answer, what was known is shown.
 */
import type { Database } from "@andromede/platform/db/database";
import type { TokenContents } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import { catalogFor, type CatalogEntry, doorsOf } from "./catalog.ts";
import type { Offered } from "./catalog.model.ts";
import { withOffered } from "./catalog-offered.ts";
import { listEndpoints, listServices } from "./catalog.queries.ts";

const KEPT_MS = 1_000;

type Kept = { offered: Offered; text: string; readAt: number };
const kept = new WeakMap<Database, Kept>();

type Needs = Pick<App, "db" | "log">;

export async function readCatalog(app: Needs): Promise<Offered> {
  const known = kept.get(app.db);
  if (known !== undefined && performance.now() - known.readAt < KEPT_MS) return known.offered;
  try {
    return await load(app.db, known);
  } catch (error) {
    if (known === undefined) throw error;
    app.log.warn({ error }, "the catalog cannot be read; the last one known is shown");
    return known.offered;
  }
}

async function load(db: Database, known: Kept | undefined): Promise<Offered> {
  const readAt = performance.now();
  const [services, endpoints] = await Promise.all([listServices(db), listEndpoints(db)]);
  const text = JSON.stringify([services, endpoints]);
  const version = known === undefined ? 1 : known.text === text ? known.offered.version : known.offered.version + 1;
  const offered = { version, services, endpoints };
  kept.set(db, { offered, text, readAt });
  return offered;
}

/** After a change here: what is read next is read anew. */
export function forgetCatalog(app: Pick<App, "db">): void {
  const known = kept.get(app.db);
  if (known !== undefined) known.readAt = -Infinity;
}

/** A token's catalog, as seen through a door. */
export const catalogOf = (
  app: Pick<App, "config">,
  offered: Offered,
  baseUrl: string,
  token: Pick<TokenContents, "scope" | "user">,
): CatalogEntry[] => {
  const projectId = token.scope.kind === "project" ? token.scope.project.id : null;
  return withOffered(catalogFor(doorsOf(app.config, baseUrl), app.config.region, projectId), offered, token);
};
