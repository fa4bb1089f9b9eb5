/** What may be sent about quotas (Compute API, "Quota sets"). Pure. */
import { integerSchema } from "../common/wire.ts";
import { booleanSchema } from "../common/wire.ts";

const limit = integerSchema(-1);
const compute = {
  instances: limit,
  cores: limit,
  ram: limit,
  metadata_items: limit,
  key_pairs: limit,
  server_groups: limit,
  server_group_members: limit,
} as const;
const injected = {
  injected_files: limit,
  injected_file_content_bytes: limit,
  injected_file_path_bytes: limit,
} as const;
/** Neutron's, which Nova took and passed by; gone in 2.36. */
const network = {
  fixed_ips: limit,
  floating_ips: limit,
  security_groups: limit,
  security_group_rules: limit,
  networks: limit,
} as const;

const body = (properties: object) => ({
  type: "object",
  required: ["quota_set"],
  additionalProperties: false,
  properties: {
    quota_set: {
      type: "object",
      minProperties: 1,
      additionalProperties: false,
      properties: { ...properties, force: booleanSchema },
    },
  },
});

export const quotaSchema = [
  { since: 0, schema: body({ ...compute, ...injected, ...network }) },
  { since: 36, schema: body({ ...compute, ...injected }) },
  { since: 57, schema: body(compute) },
];
const classBody = (properties: object) => ({
  type: "object",
  required: ["quota_class_set"],
  additionalProperties: false,
  properties: { quota_class_set: { type: "object", minProperties: 1, additionalProperties: false, properties } },
});

export const quotaClassSchema = [
  { since: 0, schema: classBody({ ...compute, ...injected, ...network }) },
  { since: 50, schema: classBody({ ...compute, ...injected }) },
  { since: 57, schema: classBody(compute) },
];
export type QuotaClassBody = { quota_class_set: { [name: string]: number | string } };

export type QuotaBody = { quota_set: { [name: string]: number | string | boolean } };
