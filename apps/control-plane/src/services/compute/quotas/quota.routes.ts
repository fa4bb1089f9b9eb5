import { route } from "../../../http/service.ts";
import {
  deleteQuota,
  putQuota,
  putQuotaClass,
  showLimits,
  showQuota,
  showQuotaClass,
  showQuotaDefaults,
  showQuotaDetail,
} from "./quota.handlers.ts";
import { quotaClassSchema, quotaSchema } from "./quota.schema.ts";

const QUOTA = "/v2.1/os-quota-sets/:project_id";
const CLASS = "/v2.1/os-quota-class-sets/:class_name";

export const quotaRoutes = [
  route({ method: "GET", path: QUOTA, rule: "os_compute_api:os-quota-sets:show", handler: showQuota }),
  route({
    method: "PUT",
    path: QUOTA,
    rule: "os_compute_api:os-quota-sets:update",
    body: quotaSchema,
    handler: putQuota,
  }),
  route({ method: "DELETE", path: QUOTA, rule: "os_compute_api:os-quota-sets:delete", handler: deleteQuota }),
  route({
    method: "GET",
    path: `${QUOTA}/defaults`,
    rule: "os_compute_api:os-quota-sets:defaults",
    handler: showQuotaDefaults,
  }),
  route({
    method: "GET",
    path: `${QUOTA}/detail`,
    rule: "os_compute_api:os-quota-sets:detail",
    handler: showQuotaDetail,
  }),
  route({ method: "GET", path: CLASS, rule: "os_compute_api:os-quota-class-sets:show", handler: showQuotaClass }),
  route({
    method: "PUT",
    path: CLASS,
    rule: "os_compute_api:os-quota-class-sets:update",
    body: quotaClassSchema,
    handler: putQuotaClass,
  }),
  route({ method: "GET", path: "/v2.1/limits", rule: "os_compute_api:limits", handler: showLimits }),
];
