import { route } from "../../../http/service.ts";
import {
  deleteQuota,
  putQuota,
  putQuotaClass,
  showLimits,
  showQuota,
  showQuotaClass,
  showQuotaDefaults,
} from "./quota.handlers.ts";
import { quotaClassSchema, quotaSchema } from "./quota.schema.ts";

const ONE = "/v3/os-quota-sets/:project_id";
const CLASS = "/v3/os-quota-class-sets/:class_name";
const P = "volume_extension:";

export const quotaRoutes = [
  route({ method: "GET", path: ONE, rule: `${P}quotas:show`, handler: showQuota }),
  route({ method: "GET", path: `${ONE}/defaults`, rule: `${P}quotas:show`, handler: showQuotaDefaults }),
  route({ method: "PUT", path: ONE, rule: `${P}quotas:update`, body: quotaSchema, handler: putQuota }),
  route({ method: "DELETE", path: ONE, rule: `${P}quotas:delete`, handler: deleteQuota }),
  route({ method: "GET", path: CLASS, rule: `${P}quota_classes:get`, handler: showQuotaClass }),
  route({
    method: "PUT",
    path: CLASS,
    rule: `${P}quota_classes:update`,
    body: quotaClassSchema,
    handler: putQuotaClass,
  }),
  route({ method: "GET", path: "/v3/limits", rule: "limits_extension:used_limits", handler: showLimits }),
];
