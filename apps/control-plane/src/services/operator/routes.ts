import { type Route, route } from "../../http/service.ts";
import * as purges from "./purges/purge.handlers.ts";
import { createPurgeSchema } from "./purges/purge.schema.ts";

const PURGES = "/v1/project-purges";

export const operatorRoutes: Route[] = [
  route({
    method: "POST",
    path: PURGES,
    rule: "operator:create_project_purge",
    body: createPurgeSchema,
    handler: purges.create,
  }),
  route({ method: "GET", path: PURGES, rule: "operator:list_project_purges", handler: purges.list }),
  route({
    method: "GET",
    path: `${PURGES}/:project_id`,
    rule: "operator:get_project_purge",
    handler: purges.show,
  }),
];
