import { keystoneErrorBody } from "../../http/error-body/keystone.ts";
import type { Service } from "../../http/service.ts";
import { operatorRules } from "./policy.ts";
import { operatorRoutes } from "./routes.ts";

/** What OpenStack has no API for and an operator needs. Answers on the operators' plane. */
export const operatorService: Service = {
  name: "operator",
  mount: "/operator",
  routes: operatorRoutes,
  rules: operatorRules,
  errorBody: keystoneErrorBody,
};
