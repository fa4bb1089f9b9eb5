import { glanceErrorBody } from "../../http/error-body/glance.ts";
import type { Service } from "../../http/service.ts";
import { imageRules } from "./policy.ts";
import { imageRoutes } from "./routes.ts";

/** Glance v2. */
export const imageService: Service = {
  name: "image",
  mount: "/image",
  routes: imageRoutes,
  rules: imageRules,
  errorBody: glanceErrorBody,
};
