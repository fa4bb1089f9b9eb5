import type { Route } from "../../http/service.ts";
import { accessRuleRoutes } from "./access-rules/access-rule.routes.ts";
import { applicationCredentialRoutes } from "./application-credentials/application-credential.routes.ts";
import { assignmentRoutes } from "./assignments/assignment.routes.ts";
import { catalogRoutes } from "./catalog/catalog.routes.ts";
import { credentialRoutes } from "./credentials/credential.routes.ts";
import { domainRoutes } from "./domains/domain.routes.ts";
import { groupRoutes } from "./groups/group.routes.ts";
import { limitRoutes } from "./limits/limit.routes.ts";
import { projectRoutes } from "./projects/project.routes.ts";
import { roleRoutes } from "./roles/role.routes.ts";
import { tokenRoutes } from "./tokens/token.routes.ts";
import { trustRoutes } from "./trusts/trust.routes.ts";
import { userRoutes } from "./users/user.routes.ts";
import { versionRoutes } from "./versions/version.routes.ts";

export const identityRoutes: Route[] = [
  ...versionRoutes,
  ...tokenRoutes,
  ...catalogRoutes,
  ...domainRoutes,
  ...projectRoutes,
  ...userRoutes,
  ...groupRoutes,
  ...roleRoutes,
  ...assignmentRoutes,
  ...applicationCredentialRoutes,
  ...accessRuleRoutes,
  ...trustRoutes,
  ...credentialRoutes,
  ...limitRoutes,
];
