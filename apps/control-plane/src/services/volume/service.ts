import { cinderErrorBody } from "../../http/error-body/cinder.ts";
import type { Service } from "../../http/service.ts";
import { volumeRules } from "./policy.ts";
import { volumeRoutes } from "./routes.ts";
import { MICROVERSIONS } from "./versions/microversions.ts";

/** Cinder v3. */
export const volumeService: Service = {
  name: "volume",
  mount: "/volume",
  routes: volumeRoutes,
  rules: volumeRules,
  microversions: MICROVERSIONS,
  projectBelow: "/v3",
  errorBody: cinderErrorBody,
};
