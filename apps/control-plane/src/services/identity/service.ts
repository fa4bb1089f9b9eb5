import { keystoneErrorBody } from "../../http/error-body/keystone.ts";
import type { Service } from "../../http/service.ts";
import { identityRules } from "./policy.ts";
import { identityRoutes } from "./routes.ts";

export const identityService: Service = {
  name: "identity",
  mount: "/identity",
  routes: identityRoutes,
  rules: identityRules,
  errorBody: keystoneErrorBody,
};
