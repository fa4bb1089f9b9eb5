/** What may be sent about servers, by microversion (Compute API, "Servers"). Each step adds to the one before. Pure. */
import type { JsonSchema } from "../../../http/service.ts";
import {
  booleanSchema,
  descriptionSchema,
  integerSchema,
  metadataSchema,
  nameSchema,
  tagSchema,
  uuidSchema,
} from "../common/wire.ts";
import {
  type BlockDeviceBody,
  type LegacyBlockDeviceBody,
  blockDevices,
  legacyBlockDevices,
} from "../volumes/block-device.schema.ts";

const ipv4OrEmpty = {
  anyOf: [{ type: "string", format: "ipv4" }, { type: "string", maxLength: 0 }, { type: "null" }],
} as const;
const ipv6OrEmpty = {
  anyOf: [{ type: "string", format: "ipv6" }, { type: "string", maxLength: 0 }, { type: "null" }],
} as const;
export const accessIps = { accessIPv4: ipv4OrEmpty, accessIPv6: ipv6OrEmpty } as const;
export const diskConfig = { enum: ["AUTO", "MANUAL"] } as const;
const password = { type: "string", maxLength: 255 } as const;
const hostname = {
  type: "string",
  minLength: 2,
  maxLength: 63,
  pattern: "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$",
} as const;
const fqdn = { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9._-]*$" } as const;
/** Its grouping is checked by toUserData: a regular expression for it would be slow on what is not. */
const base64 = { type: "string", maxLength: 65_535, pattern: "^[A-Za-z0-9+/=\\s]*$" } as const;
export const passwordSchema = password;
export const hostnameSchema = hostname;
/** A host by its name. */
export const hostSchema = fqdn;
export const userDataSchema = { anyOf: [base64, { type: "null" }] } as const;
const reference = { type: "string", minLength: 1, maxLength: 2048 } as const;

const port = { anyOf: [uuidSchema, { type: "null" }] } as const;
const fixedIp = {
  anyOf: [
    { type: "string", format: "ipv4" },
    { type: "string", format: "ipv6" },
  ],
} as const;
const networks = (item: object): JsonSchema => ({
  type: "array",
  maxItems: 255,
  items: { type: "object", additionalProperties: false, properties: item },
});
const networksOrWord = (item: object): JsonSchema => ({ anyOf: [networks(item), { enum: ["none", "auto"] }] });

const createProperties = {
  name: nameSchema,
  imageRef: { anyOf: [uuidSchema, { type: "string", maxLength: 0 }] },
  flavorRef: { anyOf: [reference, { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }] },
  adminPass: password,
  metadata: metadataSchema,
  networks: networks({ fixed_ip: fixedIp, port, uuid: { type: "string", maxLength: 255 } }),
  "OS-DCF:diskConfig": diskConfig,
  accessIPv4: ipv4OrEmpty,
  accessIPv6: ipv6OrEmpty,
  personality: {
    type: "array",
    maxItems: 1000,
    items: {
      type: "object",
      additionalProperties: false,
      properties: { path: { type: "string" }, contents: { type: "string" } },
    },
  },
  availability_zone: nameSchema,
  block_device_mapping: legacyBlockDevices,
  block_device_mapping_v2: blockDevices(),
  config_drive: booleanSchema,
  key_name: nameSchema,
  min_count: integerSchema(1),
  max_count: integerSchema(1),
  return_reservation_id: booleanSchema,
  security_groups: {
    type: "array",
    maxItems: 100,
    items: { type: "object", additionalProperties: false, properties: { name: nameSchema } },
  },
  user_data: { anyOf: [base64, { type: "null" }] },
};

const hints = {
  type: "object",
  properties: {
    group: { anyOf: [uuidSchema, { type: "array", items: uuidSchema }] },
    different_host: { anyOf: [uuidSchema, { type: "array", items: uuidSchema, maxItems: 100 }] },
    same_host: { anyOf: [uuidSchema, { type: "array", items: uuidSchema, maxItems: 100 }] },
    query: { type: ["string", "object"] },
    target_cell: nameSchema,
    different_cell: { type: ["string", "array"], items: { type: "string" } },
    build_near_host_ip: fixedIp,
    cidr: { type: "string", pattern: "^/[0-9a-f.:]+$" },
  },
  additionalProperties: true,
  maxProperties: 50,
} as const;

const createBody = (properties: object, required = ["name", "flavorRef"]): JsonSchema => ({
  type: "object",
  required: ["server"],
  additionalProperties: false,
  properties: {
    server: { type: "object", required, additionalProperties: false, properties },
    "os:scheduler_hints": hints,
    "OS-SCH-HNT:scheduler_hints": hints,
  },
});

const at19 = { ...createProperties, description: descriptionSchema };
const tagged = { fixed_ip: fixedIp, port, uuid: { type: "string", maxLength: 255 }, tag: tagSchema };
const at32 = { ...at19, networks: networks(tagged), block_device_mapping_v2: blockDevices({ tag: tagSchema }) };
// 2.32's device tags were lost again by 2.33 (disks) and 2.37 (networks); 2.42 brought them back
const at33 = { ...at19, networks: networks(tagged) };
const at37 = { ...at19, networks: networksOrWord({ fixed_ip: fixedIp, port, uuid: uuidSchema }) };
const at42 = {
  ...at19,
  networks: networksOrWord({ fixed_ip: fixedIp, port, uuid: uuidSchema, tag: tagSchema }),
  block_device_mapping_v2: blockDevices({ tag: tagSchema }),
};
const at52 = { ...at42, tags: { type: "array", items: tagSchema, maxItems: 50 } };
const { personality: _gone, ...at57 } = at52;
const at63 = {
  ...at57,
  trusted_image_certificates: {
    type: ["array", "null"],
    minItems: 1,
    maxItems: 50,
    uniqueItems: true,
    items: { type: "string", minLength: 1 },
  },
};
const at67 = {
  ...at63,
  block_device_mapping_v2: blockDevices({ tag: tagSchema, volume_type: { type: ["string", "null"], maxLength: 255 } }),
};
const at74 = { ...at67, host: fqdn, hypervisor_hostname: fqdn };
const at90 = { ...at74, hostname };
const networksToo = ["name", "flavorRef", "networks"];

export const createServerSchema = [
  { since: 0, schema: createBody(createProperties) },
  { since: 19, schema: createBody(at19) },
  { since: 32, schema: createBody(at32) },
  { since: 33, schema: createBody(at33) },
  { since: 37, schema: createBody(at37, networksToo) },
  { since: 42, schema: createBody(at42, networksToo) },
  { since: 52, schema: createBody(at52, networksToo) },
  { since: 57, schema: createBody(at57, networksToo) },
  { since: 63, schema: createBody(at63, networksToo) },
  { since: 67, schema: createBody(at67, networksToo) },
  { since: 74, schema: createBody(at74, networksToo) },
  { since: 90, schema: createBody(at90, networksToo) },
];

export type NetworkBody = { uuid?: string; port?: string | null; fixed_ip?: string; tag?: string };
export type CreateServerBody = {
  server: {
    name: string;
    imageRef?: string;
    flavorRef: string | number;
    adminPass?: string;
    metadata?: { [key: string]: string };
    networks?: NetworkBody[] | "auto" | "none";
    "OS-DCF:diskConfig"?: "AUTO" | "MANUAL";
    accessIPv4?: string | null;
    accessIPv6?: string | null;
    personality?: object[];
    availability_zone?: string;
    block_device_mapping?: LegacyBlockDeviceBody[];
    block_device_mapping_v2?: BlockDeviceBody[];
    config_drive?: boolean | string;
    key_name?: string;
    min_count?: number | string;
    max_count?: number | string;
    return_reservation_id?: boolean | string;
    security_groups?: { name?: string }[];
    user_data?: string | null;
    description?: string | null;
    tags?: string[];
    trusted_image_certificates?: string[] | null;
    host?: string;
    hypervisor_hostname?: string;
    hostname?: string;
  };
  "os:scheduler_hints"?: { [hint: string]: unknown };
  "OS-SCH-HNT:scheduler_hints"?: { [hint: string]: unknown };
};

const updateBody = (properties: object): JsonSchema => ({
  type: "object",
  required: ["server"],
  additionalProperties: false,
  properties: { server: { type: "object", additionalProperties: false, properties } },
});
const updateProperties = {
  name: nameSchema,
  "OS-DCF:diskConfig": diskConfig,
  accessIPv4: ipv4OrEmpty,
  accessIPv6: ipv6OrEmpty,
};

export const updateServerSchema = [
  { since: 0, schema: updateBody(updateProperties) },
  { since: 19, schema: updateBody({ ...updateProperties, description: descriptionSchema }) },
  { since: 90, schema: updateBody({ ...updateProperties, description: descriptionSchema, hostname }) },
];
export type UpdateServerBody = {
  server: {
    name?: string;
    "OS-DCF:diskConfig"?: "AUTO" | "MANUAL";
    accessIPv4?: string | null;
    accessIPv6?: string | null;
    description?: string | null;
    hostname?: string;
  };
};

export const metadataBody = {
  type: "object",
  required: ["metadata"],
  additionalProperties: false,
  properties: { metadata: metadataSchema },
} as const;
export type MetadataBody = { metadata: { [key: string]: string } };

export const metadataItemBody = {
  type: "object",
  required: ["meta"],
  additionalProperties: false,
  properties: { meta: { ...metadataSchema, minProperties: 1, maxProperties: 1 } },
} as const;
export type MetadataItemBody = { meta: { [key: string]: string } };

export const tagsBody = {
  type: "object",
  required: ["tags"],
  additionalProperties: false,
  properties: { tags: { type: "array", items: tagSchema, maxItems: 50 } },
} as const;
export type TagsBody = { tags: string[] };

export const remoteConsoleSchema = {
  type: "object",
  required: ["remote_console"],
  additionalProperties: false,
  properties: {
    remote_console: {
      type: "object",
      required: ["protocol", "type"],
      additionalProperties: false,
      properties: {
        protocol: { enum: ["vnc", "spice", "rdp", "serial", "mks"] },
        type: { enum: ["novnc", "xvpvnc", "spice-html5", "spice-direct", "rdp-html5", "serial", "webmks"] },
      },
    },
  },
} as const;
export type RemoteConsoleBody = { remote_console: { protocol: string; type: string } };
