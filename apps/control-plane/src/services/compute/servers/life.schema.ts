/** The bodies of actions that change what a server is (Compute API, "Servers - run an action"), by microversion. Pure. */
import type { JsonSchema } from "../../../http/service.ts";
import {
  booleanSchema,
  descriptionSchema,
  integerSchema,
  metadataSchema,
  nameSchema,
  uuidSchema,
} from "../common/wire.ts";
import { accessIps, diskConfig, hostnameSchema, hostSchema, passwordSchema, userDataSchema } from "./server.schema.ts";

const object = (properties: object, required: string[] = []): JsonSchema => ({
  type: "object",
  required,
  additionalProperties: false,
  properties,
});
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [{ type: "null" }, schema] });

const rebuild = {
  name: nameSchema,
  imageRef: uuidSchema,
  adminPass: passwordSchema,
  metadata: metadataSchema,
  preserve_ephemeral: booleanSchema,
  "OS-DCF:diskConfig": diskConfig,
  ...accessIps,
};
const personality = {
  type: "array",
  maxItems: 1000,
  items: object({ path: { type: "string" }, contents: { type: "string" } }),
} as const;
const at19 = { ...rebuild, description: descriptionSchema };
const at54 = { ...at19, key_name: { anyOf: [nameSchema, { type: "null" }] } };
const at57 = { ...at54, user_data: userDataSchema };
const certificates = {
  type: ["array", "null"],
  minItems: 1,
  maxItems: 50,
  uniqueItems: true,
  items: { type: "string", minLength: 1, maxLength: 255 },
} as const;
const at63 = { ...at57, trusted_image_certificates: certificates };

export const rebuildSchema = [
  { since: 0, schema: object({ ...rebuild, personality }, ["imageRef"]) },
  { since: 19, schema: object({ ...at19, personality }, ["imageRef"]) },
  { since: 54, schema: object({ ...at54, personality }, ["imageRef"]) },
  { since: 57, schema: object(at57, ["imageRef"]) },
  { since: 63, schema: object(at63, ["imageRef"]) },
  { since: 90, schema: object({ ...at63, hostname: hostnameSchema }, ["imageRef"]) },
];
export type RebuildBody = {
  imageRef: string;
  name?: string;
  adminPass?: string;
  metadata?: { [key: string]: string };
  preserve_ephemeral?: boolean | string;
  "OS-DCF:diskConfig"?: "AUTO" | "MANUAL";
  accessIPv4?: string | null;
  accessIPv6?: string | null;
  description?: string | null;
  key_name?: string | null;
  user_data?: string | null;
  hostname?: string;
  personality?: object[];
  trusted_image_certificates?: string[] | null;
};

export const resizeSchema = object(
  {
    flavorRef: {
      anyOf: [
        { type: "string", minLength: 1, maxLength: 2048 },
        { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      ],
    },
    "OS-DCF:diskConfig": diskConfig,
  },
  ["flavorRef"],
);
export type ResizeBody = { flavorRef: string | number; "OS-DCF:diskConfig"?: "AUTO" | "MANUAL" };

export const createImageSchema = object({ name: nameSchema, metadata: metadataSchema }, ["name"]);
export type CreateImageBody = { name: string; metadata?: { [key: string]: string } };

export const createBackupSchema = object(
  {
    name: nameSchema,
    backup_type: { type: "string", maxLength: 255 },
    rotation: integerSchema(0),
    metadata: metadataSchema,
  },
  ["name", "backup_type", "rotation"],
);
export type CreateBackupBody = CreateImageBody & { backup_type: string; rotation: number | string };

export const rescueSchema = orNull(object({ adminPass: passwordSchema, rescue_image_ref: uuidSchema }));
export type RescueBody = { adminPass?: string; rescue_image_ref?: string } | null;

const anything: JsonSchema = {};
export const unshelveSchema = [
  { since: 0, schema: anything },
  { since: 77, schema: orNull(object({ availability_zone: nameSchema }, ["availability_zone"])) },
  {
    since: 91,
    schema: orNull({
      ...object({ availability_zone: { anyOf: [nameSchema, { type: "null" }] }, host: hostSchema }),
      minProperties: 1,
    }),
  },
];
export type UnshelveBody = { availability_zone?: string | null; host?: string } | null;

const hostOrNull = { anyOf: [hostSchema, { type: "null" }] } as const;
export const migrateSchema = [
  { since: 0, schema: anything },
  { since: 56, schema: orNull(object({ host: hostOrNull })) },
];
export type MigrateBody = { host?: string | null } | null;

const block = { block_migration: booleanSchema, host: hostOrNull };
const blockAuto = { ...block, block_migration: { anyOf: [booleanSchema, { const: "auto" }] } };
export const migrateLiveSchema = [
  {
    since: 0,
    schema: object({ ...block, disk_over_commit: booleanSchema }, ["block_migration", "disk_over_commit", "host"]),
  },
  { since: 25, schema: object(blockAuto, ["block_migration", "host"]) },
  { since: 30, schema: object({ ...blockAuto, force: booleanSchema }, ["block_migration", "host"]) },
  { since: 68, schema: object(blockAuto, ["block_migration", "host"]) },
];
export type MigrateLiveBody = { host: string | null };

const evacuate = { host: hostSchema, adminPass: passwordSchema };
export const evacuateSchema = [
  { since: 0, schema: object({ ...evacuate, onSharedStorage: booleanSchema }, ["onSharedStorage"]) },
  { since: 14, schema: object(evacuate) },
  { since: 29, schema: object({ ...evacuate, force: booleanSchema }) },
  { since: 68, schema: object(evacuate) },
];
export type EvacuateBody = {
  host?: string;
  adminPass?: string;
  onSharedStorage?: boolean | string;
  force?: boolean | string;
};

export const changePasswordSchema = object({ adminPass: passwordSchema }, ["adminPass"]);
export const addFixedIpSchema = object(
  { networkId: { anyOf: [{ type: "string", minLength: 1, maxLength: 36 }, { type: "number" }] } },
  ["networkId"],
);
const anyAddress = {
  anyOf: [
    { type: "string", format: "ipv4" },
    { type: "string", format: "ipv6" },
  ],
} as const;
export const addFloatingIpSchema = object(
  { address: anyAddress, fixed_address: { anyOf: [...anyAddress.anyOf, { type: "null" }] } },
  ["address"],
);
export const removeFloatingIpSchema = object({ address: anyAddress }, ["address"]);
export const removeFixedIpSchema = object(
  {
    address: {
      anyOf: [
        { type: "string", format: "ipv4" },
        { type: "string", format: "ipv6" },
      ],
    },
  },
  ["address"],
);
