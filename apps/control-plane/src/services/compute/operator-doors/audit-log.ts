/**
 * Nova's log of its audits: which hosts have counted their servers for a past period. Nothing is counted by hosts here (what
 * servers used is computed when asked, usage/), so no host has ever run an audit, and that is what is said.
 */
import { invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { readAllHosts } from "../hosts/read-hosts.ts";

const DATE = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/;

export const listAuditLogs = async (request: ApiRequest): Promise<Reply> =>
  ok({ instance_usage_audit_logs: await toAuditLog(request, request.app.clock.now()) });

export async function showAuditLog(request: ApiRequest): Promise<Reply> {
  const text = request.params["before"] ?? "";
  const before = DATE.test(text) ? Date.parse(`${text.replace(" ", "T")}Z`) : Number.NaN;
  if (Number.isNaN(before)) throw invalid(`Invalid timestamp for date ${text.slice(0, 100)}`);
  return ok({ instance_usage_audit_log: await toAuditLog(request, before) });
}

/** The last whole month before then, as Nova's default period is. */
async function toAuditLog(request: ApiRequest, beforeMs: number): Promise<object> {
  const hosts = (await readAllHosts(request)).map((host) => host.name);
  const before = new Date(beforeMs);
  const end = new Date(Date.UTC(before.getUTCFullYear(), before.getUTCMonth(), 1));
  const begin = new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - 1, 1));
  const shown = (at: Date): string => at.toISOString().slice(0, 19).replace("T", " ");
  return {
    period_beginning: shown(begin),
    period_ending: shown(end),
    num_hosts: hosts.length,
    num_hosts_done: 0,
    num_hosts_running: 0,
    num_hosts_not_run: hosts.length,
    hosts_not_run: hosts,
    total_instances: 0,
    total_errors: 0,
    overall_status: `${hosts.length === 0 ? "ALL" : `0 of ${hosts.length}`} hosts done. 0 errors.`,
    log: {},
  };
}
