import { route } from "../../../http/service.ts";
import { listAuditLogs, showAuditLog } from "./audit-log.ts";
import { externalEventsSchema, postExternalEvents } from "./external-events.ts";
import {
  assistedSnapshotSchema,
  refuseAssistedDeletion,
  refuseAssistedSnapshot,
  showConsoleToken,
} from "./refused-doors.ts";

const rule = (name: string): string => `os_compute_api:${name}`;

export const operatorDoorRoutes = [
  route({
    method: "POST",
    path: "/v2.1/os-server-external-events",
    rule: rule("os-server-external-events:create"),
    body: externalEventsSchema,
    handler: postExternalEvents,
  }),
  route({
    method: "GET",
    path: "/v2.1/os-instance_usage_audit_log",
    rule: rule("os-instance-usage-audit-log:list"),
    handler: listAuditLogs,
  }),
  route({
    method: "GET",
    path: "/v2.1/os-instance_usage_audit_log/:before",
    rule: rule("os-instance-usage-audit-log:show"),
    handler: showAuditLog,
  }),
  route({
    method: "POST",
    path: "/v2.1/os-assisted-volume-snapshots",
    rule: rule("os-assisted-volume-snapshots:create"),
    body: assistedSnapshotSchema,
    handler: refuseAssistedSnapshot,
  }),
  route({
    method: "DELETE",
    path: "/v2.1/os-assisted-volume-snapshots/:snapshot_id",
    rule: rule("os-assisted-volume-snapshots:delete"),
    handler: refuseAssistedDeletion,
  }),
  route({
    method: "GET",
    path: "/v2.1/os-console-auth-tokens/:token",
    rule: rule("os-console-auth-tokens"),
    handler: showConsoleToken,
  }),
];
