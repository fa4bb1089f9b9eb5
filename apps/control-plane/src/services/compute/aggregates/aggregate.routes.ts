import { route } from "../../../http/service.ts";
import {
  deleteAggregateHandler,
  listAggregatesHandler,
  postAggregate,
  postAggregateAction,
  postAggregateImages,
  putAggregate,
  showAggregate,
} from "./aggregate.handlers.ts";
import {
  aggregateActionSchema,
  aggregateImagesSchema,
  createAggregateSchema,
  updateAggregateSchema,
} from "./aggregate.schema.ts";

const AGGREGATES = "/v2.1/os-aggregates";
const AGGREGATE = `${AGGREGATES}/:aggregate_id`;
const rule = (verb: string): string => `os_compute_api:os-aggregates:${verb}`;

export const aggregateRoutes = [
  route({ method: "GET", path: AGGREGATES, rule: rule("index"), handler: listAggregatesHandler }),
  route({
    method: "POST",
    path: AGGREGATES,
    rule: rule("create"),
    body: createAggregateSchema,
    handler: postAggregate,
  }),
  route({ method: "GET", path: AGGREGATE, rule: rule("show"), handler: showAggregate }),
  route({ method: "PUT", path: AGGREGATE, rule: rule("update"), body: updateAggregateSchema, handler: putAggregate }),
  route({ method: "DELETE", path: AGGREGATE, rule: rule("delete"), handler: deleteAggregateHandler }),
  route({
    method: "POST",
    path: `${AGGREGATE}/action`,
    rule: rule("add_host"),
    body: aggregateActionSchema,
    handler: postAggregateAction,
  }),
  route({
    method: "POST",
    path: `${AGGREGATE}/images`,
    since: 81,
    rule: "compute:aggregates:images",
    body: aggregateImagesSchema,
    handler: postAggregateImages,
  }),
];
