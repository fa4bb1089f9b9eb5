/**
 * An event as CADF has it (DMTF DSP0262, the form OpenStack's audit notifications are in): who did what to which, with
 * what outcome, seen by whom. Pure.
 */
import { isObject } from "@andromede/base/json";

import type { EventRow } from "./events.queries.ts";

export type CadfEvent = {
  typeURI: "http://schemas.dmtf.org/cloud/audit/1.0/event";
  eventType: "activity";
  id: string;
  eventTime: string;
  action: string;
  outcome: "success" | "failure";
  reason?: { reasonType: string; reasonCode: string };
  initiator: CadfResource & { project_id?: string; request_id?: string; host?: { address: string } };
  target: CadfResource & { project_id?: string };
  observer: CadfResource;
  attachments?: { name: string; contentType: string; content: unknown }[];
  /** Place in the tamper-evident log; null for a second or so. */
  log_index: number | null;
};

type CadfResource = { id: string; typeURI: string; name?: string };

/** CADF's taxonomy of actions has its own words for some of ours (DSP0262, A.3). */
const ACTIONS: { readonly [action: string]: string } = {
  "identity.token.issue": "authenticate",
  "identity.token.revoke": "revoke",
  show: "read",
  list: "read/list",
  reboot: "restart",
  refuse: "deny",
};

/** CADF's taxonomy of resources (DSP0262, A.2) has six roots, of which our services use these. */
const ROOTS: { readonly [service: string]: string } = {
  compute: "compute",
  network: "network",
  volume: "storage",
  image: "data",
  identity: "data/security",
};

export function toCadfEvent(row: EventRow): CadfEvent {
  const [service = "", , verb = ""] = row.action.split(".");
  const body = readBody(row.body);
  const reason = textOf(body["reason"]);
  return {
    typeURI: "http://schemas.dmtf.org/cloud/audit/1.0/event",
    eventType: "activity",
    id: row.id,
    eventTime: row.time.toISOString(),
    action: ACTIONS[row.action] ?? ACTIONS[verb] ?? verb,
    outcome: row.outcome === "failure" ? "failure" : "success",
    ...(reason === undefined ? {} : { reason: { reasonType: "andromede", reasonCode: reason } }),
    initiator: toInitiator(body),
    target: {
      id: row.targetId,
      typeURI: `${ROOTS[service] ?? "service"}/${row.targetType}`,
      ...(row.projectId === null ? {} : { project_id: row.projectId }),
    },
    observer: { id: service, typeURI: `service/${service}`, name: row.action },
    ...toAttachments(body["detail"]),
    log_index: row.leafIndex,
  };
}

function toInitiator(body: { [name: string]: unknown }): CadfEvent["initiator"] {
  const origin = isObject(body["origin"]) ? body["origin"] : {};
  const [user, name, project] = [textOf(origin["userId"]), textOf(origin["userName"]), textOf(origin["projectId"])];
  const [request, address] = [textOf(origin["requestId"]), textOf(origin["address"])];
  return {
    id: user ?? "system",
    typeURI: user === undefined ? "service/security" : "data/security/account/user",
    ...(name === undefined ? {} : { name }),
    ...(project === undefined ? {} : { project_id: project }),
    ...(request === undefined ? {} : { request_id: request }),
    ...(address === undefined ? {} : { host: { address } }),
  };
}

function toAttachments(detail: unknown): Pick<CadfEvent, "attachments"> {
  if (!isObject(detail) || Object.keys(detail).length === 0) return {};
  return { attachments: [{ name: "detail", contentType: "application/json", content: detail }] };
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** A body that somebody broke is shown as far as the columns go. */
function readBody(text: string): { [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
