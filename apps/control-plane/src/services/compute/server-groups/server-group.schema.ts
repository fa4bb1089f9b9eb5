/** What may be sent about server groups, by microversion (Compute API, "Server groups"). Pure. */
import type { JsonSchema } from "../../../http/service.ts";
import { integerSchema, nameSchema } from "../common/wire.ts";
import type { GroupPolicy } from "./server-group.model.ts";

const body = (required: string[], properties: object): JsonSchema => ({
  type: "object",
  required: ["server_group"],
  additionalProperties: false,
  properties: { server_group: { type: "object", required, additionalProperties: false, properties } },
});
const onePolicy = (names: string[]): JsonSchema => ({
  type: "array",
  minItems: 1,
  maxItems: 1,
  items: { type: "string", enum: names },
});
const HARD = ["anti-affinity", "affinity"];
const ALL = [...HARD, "soft-anti-affinity", "soft-affinity"];

export const createServerGroupSchema = [
  { since: 0, schema: body(["name", "policies"], { name: nameSchema, policies: onePolicy(HARD) }) },
  { since: 15, schema: body(["name", "policies"], { name: nameSchema, policies: onePolicy(ALL) }) },
  {
    since: 64,
    schema: body(["name", "policy"], {
      name: nameSchema,
      policy: { type: "string", enum: ALL },
      rules: {
        type: "object",
        additionalProperties: false,
        properties: { max_server_per_host: integerSchema(1) },
      },
    }),
  },
];

export type CreateServerGroupBody = {
  server_group: {
    name: string;
    policies?: GroupPolicy[];
    policy?: GroupPolicy;
    rules?: { max_server_per_host?: number | string };
  };
};
