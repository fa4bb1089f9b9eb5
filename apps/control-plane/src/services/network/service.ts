import { neutronErrorBody } from "../../http/error-body/neutron.ts";
import type { Service } from "../../http/service.ts";
import { networkRules } from "./policy.ts";
import { networkServiceRoutes } from "./routes.ts";

/** Neutron's Networking API v2.0. */
export const networkService: Service = {
  name: "network",
  mount: "/network",
  routes: networkServiceRoutes,
  rules: networkRules,
  errorBody: neutronErrorBody,
};
