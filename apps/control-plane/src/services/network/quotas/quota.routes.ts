import { type Route, route } from "../../../http/service.ts";
import { envelope, integerText } from "../common/wire.ts";
import {
  deleteQuota,
  listQuotas,
  showDefaultQuota,
  showOwnProject,
  showQuota,
  showQuotaDetails,
  updateQuota,
} from "./quota.handlers.ts";
import { QUOTA_NAMES } from "./quota.model.ts";

const quotaSchema = envelope("quota", {
  type: "object",
  additionalProperties: false,
  properties: {
    ...Object.fromEntries(QUOTA_NAMES.map((name) => [name, integerText])),
    // clients send back what they were shown
    tenant_id: { type: "string" },
    project_id: { type: "string" },
  },
});

export const quotaRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/quotas", rule: "get_quotas", handler: listQuotas }),
  route({ method: "GET", path: "/v2.0/quotas/tenant", rule: "get_quota", handler: showOwnProject("tenant") }),
  route({ method: "GET", path: "/v2.0/quotas/project", rule: "get_quota", handler: showOwnProject("project") }),
  route({ method: "GET", path: "/v2.0/quotas/:project_id", rule: "get_quota", handler: showQuota }),
  route({ method: "GET", path: "/v2.0/quotas/:project_id/default", rule: "get_quota", handler: showDefaultQuota }),
  route({ method: "GET", path: "/v2.0/quotas/:project_id/details", rule: "get_quota", handler: showQuotaDetails }),
  route({ method: "GET", path: "/v2.0/quotas/:project_id/details.json", rule: "get_quota", handler: showQuotaDetails }),
  route({
    method: "PUT",
    path: "/v2.0/quotas/:project_id",
    rule: "update_quota",
    body: quotaSchema,
    handler: updateQuota,
  }),
  route({ method: "DELETE", path: "/v2.0/quotas/:project_id", rule: "delete_quota", handler: deleteQuota }),
];
