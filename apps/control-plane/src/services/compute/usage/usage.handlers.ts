import { nextPageQuery } from "../../../http/paging.ts";
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { nextLink } from "../common/wire.ts";
import { type UsageReport, readUsage } from "./read-usage.ts";
import { toTenantUsages } from "./usage.view.ts";

const links = (request: ApiRequest, name: string, path: string, { usages, more }: UsageReport): object => {
  const last = usages.at(-1);
  return more && last !== undefined
    ? { [name]: nextLink(request, path, nextPageQuery(request.query, last.serverId)) }
    : {};
};

export async function listUsages(request: ApiRequest): Promise<Reply> {
  const report = await readUsage(request, null);
  const detailed = request.query.get("detailed") === "1";
  const tenants = toTenantUsages(report.usages, report.period, { detailed, nowMs: request.app.clock.now() });
  return ok({ tenant_usages: tenants, ...links(request, "tenant_usages_links", "os-simple-tenant-usage", report) });
}

/** A project without servers in the period has an empty usage, not one of zeros: as Nova. */
export async function showUsage(request: ApiRequest): Promise<Reply> {
  const projectId = request.params["project_id"] ?? "";
  const report = await readUsage(request, projectId);
  const [tenant = {}] = toTenantUsages(report.usages, report.period, {
    detailed: true,
    nowMs: request.app.clock.now(),
  });
  const path = `os-simple-tenant-usage/${encodeURIComponent(projectId)}`;
  return ok({ tenant_usage: tenant, ...links(request, "tenant_usage_links", path, report) });
}
