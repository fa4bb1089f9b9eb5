import { novaErrorBody } from "../../http/error-body/nova.ts";
import type { Service } from "../../http/service.ts";
import { computeRules } from "./policy.ts";
import { computeRoutes } from "./routes.ts";
import { MICROVERSIONS } from "./versions/microversions.ts";

/** Nova v2.1. */
export const computeService: Service = {
  name: "compute",
  mount: "/compute",
  routes: computeRoutes,
  rules: computeRules,
  microversions: MICROVERSIONS,
  errorBody: novaErrorBody,
};
