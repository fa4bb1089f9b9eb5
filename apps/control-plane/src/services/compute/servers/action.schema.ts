/** The bodies of `POST /servers/{id}/action`: one member, which names the action. What no row names is 400, as in Nova. Pure. */
import type { JsonSchema, VersionedSchema } from "../../../http/service.ts";
import { integerSchema, nameSchema } from "../common/wire.ts";
import {
  addFixedIpSchema,
  addFloatingIpSchema,
  changePasswordSchema,
  createBackupSchema,
  createImageSchema,
  evacuateSchema,
  migrateLiveSchema,
  migrateSchema,
  rebuildSchema,
  removeFixedIpSchema,
  removeFloatingIpSchema,
  rescueSchema,
  resizeSchema,
  unshelveSchema,
} from "./life.schema.ts";

const object = (properties: object, required: string[] = []): JsonSchema => ({
  type: "object",
  required,
  additionalProperties: false,
  properties,
});
/** Nova takes anything where it wants null: clients send null, {} and "". */
const anything: JsonSchema = {};

export type ActionRow = { since?: number; until?: number; rule: string; schema: JsonSchema | VersionedSchema };

const group = object({ name: nameSchema }, ["name"]);
const consoleOf = (types: string[]): JsonSchema => object({ type: { enum: types } }, ["type"]);

/** Action -> who may, from and until which microversion, and what it carries. */
export const ACTIONS = {
  "os-start": { rule: "os_compute_api:servers:start", schema: anything },
  "os-stop": { rule: "os_compute_api:servers:stop", schema: anything },
  reboot: {
    rule: "os_compute_api:servers:reboot",
    schema: object({ type: { enum: ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"] } }, ["type"]),
  },
  pause: { rule: "os_compute_api:os-pause-server:pause", schema: anything },
  unpause: { rule: "os_compute_api:os-pause-server:unpause", schema: anything },
  suspend: { rule: "os_compute_api:os-suspend-server:suspend", schema: anything },
  resume: { rule: "os_compute_api:os-suspend-server:resume", schema: anything },
  lock: {
    rule: "os_compute_api:os-lock-server:lock",
    schema: [
      { since: 0, schema: anything },
      {
        since: 73,
        schema: {
          anyOf: [{ type: "null" }, object({ locked_reason: { type: "string", minLength: 1, maxLength: 255 } })],
        },
      },
    ],
  },
  unlock: { rule: "os_compute_api:os-lock-server:unlock", schema: anything },
  forceDelete: { rule: "os_compute_api:os-deferred-delete:force", schema: anything },
  "os-getConsoleOutput": {
    rule: "os_compute_api:os-console-output",
    schema: object({ length: { anyOf: [...integerSchema(-1).anyOf, { type: "null" }] } }),
  },
  "os-getVNCConsole": { until: 5, rule: "os_compute_api:os-remote-consoles", schema: consoleOf(["novnc", "xvpvnc"]) },
  "os-getSerialConsole": { until: 5, rule: "os_compute_api:os-remote-consoles", schema: consoleOf(["serial"]) },
  rebuild: { rule: "os_compute_api:servers:rebuild", schema: rebuildSchema },
  resize: { rule: "os_compute_api:servers:resize", schema: resizeSchema },
  confirmResize: { rule: "os_compute_api:servers:confirm_resize", schema: anything },
  revertResize: { rule: "os_compute_api:servers:revert_resize", schema: anything },
  rescue: { rule: "os_compute_api:os-rescue", schema: rescueSchema },
  unrescue: { rule: "os_compute_api:os-unrescue", schema: anything },
  shelve: { rule: "os_compute_api:os-shelve:shelve", schema: anything },
  shelveOffload: { rule: "os_compute_api:os-shelve:shelve_offload", schema: anything },
  unshelve: { rule: "os_compute_api:os-shelve:unshelve", schema: unshelveSchema },
  createImage: { rule: "os_compute_api:servers:create_image", schema: createImageSchema },
  createBackup: { rule: "os_compute_api:os-create-backup", schema: createBackupSchema },
  migrate: { rule: "os_compute_api:os-migrate-server:migrate", schema: migrateSchema },
  "os-migrateLive": { rule: "os_compute_api:os-migrate-server:migrate_live", schema: migrateLiveSchema },
  changePassword: { rule: "os_compute_api:os-admin-password", schema: changePasswordSchema },
  trigger_crash_dump: {
    since: 17,
    rule: "os_compute_api:servers:trigger_crash_dump",
    schema: { type: "null" },
  },
  restore: { rule: "os_compute_api:os-deferred-delete:restore", schema: anything },
  resetNetwork: { rule: "os_compute_api:os-admin-actions:reset_network", schema: anything },
  injectNetworkInfo: { rule: "os_compute_api:os-admin-actions:inject_network_info", schema: anything },
  addFixedIp: { until: 43, rule: "os_compute_api:os-multinic:add", schema: addFixedIpSchema },
  removeFixedIp: { until: 43, rule: "os_compute_api:os-multinic:remove", schema: removeFixedIpSchema },
  addFloatingIp: { until: 43, rule: "os_compute_api:os-floating-ips:add", schema: addFloatingIpSchema },
  removeFloatingIp: { until: 43, rule: "os_compute_api:os-floating-ips:remove", schema: removeFloatingIpSchema },
  evacuate: { rule: "os_compute_api:os-evacuate", schema: evacuateSchema },
  addSecurityGroup: { rule: "os_compute_api:os-security-groups:add", schema: group },
  removeSecurityGroup: { rule: "os_compute_api:os-security-groups:remove", schema: group },
  "os-resetState": {
    rule: "os_compute_api:os-admin-actions:reset_state",
    schema: object({ state: { enum: ["active", "error"] } }, ["state"]),
  },
} as const satisfies { [action: string]: ActionRow };

export type ActionName = keyof typeof ACTIONS;

/** The route's own schema asks only for one member; which one it is decides what that must hold. */
export const actionSchema = { type: "object", minProperties: 1, maxProperties: 1 } as const;
export type ActionBody = { [action: string]: unknown };
