import { route } from "../../../http/service.ts";
import { listMigrationsHandler, listServerMigrations, noServerMigration } from "./migration.handlers.ts";

const P = "os_compute_api:servers:migrations";
const MIGRATIONS = "/v2.1/servers/:server_id/migrations";
const MIGRATION = `${MIGRATIONS}/:migration_id`;
const forceCompleteSchema = {
  type: "object",
  required: ["force_complete"],
  additionalProperties: false,
  properties: { force_complete: { type: "null" } },
} as const;

export const migrationRoutes = [
  route({
    method: "GET",
    path: "/v2.1/os-migrations",
    rule: "os_compute_api:os-migrations:index",
    handler: listMigrationsHandler,
  }),
  route({ method: "GET", path: MIGRATIONS, since: 23, rule: `${P}:index`, handler: listServerMigrations }),
  route({ method: "GET", path: MIGRATION, since: 23, rule: `${P}:show`, handler: noServerMigration }),
  route({ method: "DELETE", path: MIGRATION, since: 24, rule: `${P}:delete`, handler: noServerMigration }),
  route({
    method: "POST",
    path: `${MIGRATION}/action`,
    since: 22,
    rule: `${P}:force_complete`,
    body: forceCompleteSchema,
    handler: noServerMigration,
  }),
];
