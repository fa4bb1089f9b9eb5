/** JSON Schemas of what the control plane sends an agent (types.ts says what the fields mean). */

const uuid = { type: "string", pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" } as const;
/** Becomes part of a file name. */
const fileSafeId = { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$" } as const;
const macAddress = { type: "string", pattern: "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$" } as const;
const shortText = { type: "string", minLength: 1, maxLength: 255 } as const;
const size = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;

/** Of a customer's disk, or of a backup: base64 of 32 bytes. */
const key = { type: "string", pattern: "^[A-Za-z0-9+/]{43}=$" } as const;
const keyOrNull = { anyOf: [key, { type: "null" }] } as const;
const generation = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const path = { type: "string", pattern: "^/[^\\u0000]*$", maxLength: 4096 } as const;
const sha512 = { type: "string", pattern: "^[0-9a-f]{128}$" } as const;

/** Zero is as good as absent. */
const notBoth = (one: string, other: string): { [keyword: string]: unknown } => ({
  not: {
    type: "object",
    required: [one, other],
    properties: { [one]: { type: "integer", minimum: 1 }, [other]: { type: "integer", minimum: 1 } },
  },
});

const disk = {
  type: "object",
  additionalProperties: false,
  required: ["id", "source", "sizeGib"],
  properties: {
    id: fileSafeId,
    source: {
      oneOf: [
        {
          type: "object",
          additionalProperties: false,
          required: ["kind", "imageId", "sha512", "format", "sizeBytes"],
          properties: {
            kind: { const: "image" },
            imageId: fileSafeId,
            sha512: { type: "string", pattern: "^[0-9a-f]{128}$" },
            format: { enum: ["qcow2", "raw"] },
            sizeBytes: size,
          },
        },
        { type: "object", additionalProperties: false, required: ["kind"], properties: { kind: { const: "empty" } } },
        {
          type: "object",
          additionalProperties: false,
          required: ["kind", "volumeId", "key", "readOnly", "shared"],
          properties: {
            kind: { const: "volume" },
            volumeId: uuid,
            key: keyOrNull,
            readOnly: { type: "boolean" },
            shared: { type: "boolean" },
          },
        },
      ],
    },
    nonce: { type: "string", maxLength: 255 },
    limits: {
      type: "object",
      additionalProperties: false,
      properties: {
        totalBytesSec: size,
        readBytesSec: size,
        writeBytesSec: size,
        totalIops: size,
        readIops: size,
        writeIops: size,
      },
      // QEMU limits either the sum or the directions.
      allOf: [
        notBoth("totalBytesSec", "readBytesSec"),
        notBoth("totalBytesSec", "writeBytesSec"),
        notBoth("totalIops", "readIops"),
        notBoth("totalIops", "writeIops"),
      ],
    },
    sizeGib: { type: "integer", minimum: 0, maximum: 1_048_576 },
    bootIndex: { type: "integer", minimum: 0, maximum: 100 },
    detached: { const: true },
  },
} as const;

const network = {
  type: "object",
  additionalProperties: false,
  required: ["id", "metadataPort"],
  properties: {
    id: uuid,
    metadataPort: {
      oneOf: [
        { type: "null" },
        {
          type: "object",
          additionalProperties: false,
          required: ["id", "macAddress", "addresses"],
          properties: {
            id: uuid,
            macAddress,
            addresses: {
              type: "array",
              maxItems: 64,
              items: { type: "string", pattern: "^[0-9a-fA-F.:]{2,39}/[0-9]{1,3}$" },
            },
          },
        },
      ],
    },
  },
} as const;

const metadataFiles = (content: { [keyword: string]: unknown }): { [keyword: string]: unknown } => ({
  type: "object",
  maxProperties: 1000,
  additionalProperties: content,
  // Segments of plain characters, none of them "." or "..": a path names a file of the config drive.
  propertyNames: { pattern: "^(?!(.*/)?\\.{1,2}(/|$))[A-Za-z0-9._:@=+-]+(/[A-Za-z0-9._:@=+-]+)*$", maxLength: 512 },
});

/** Body of `PUT /v1/guests/:id`. */
export const guestSpecSchema = {
  type: "object",
  additionalProperties: false,
  required: [
    "id",
    "name",
    "generation",
    "power",
    "vcpus",
    "memoryMib",
    "disks",
    "images",
    "interfaces",
    "configDrive",
    "metadata",
    "addresses",
    "networks",
  ],
  properties: {
    id: uuid,
    name: { type: "string", maxLength: 255 },
    generation: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    power: { enum: ["running", "paused", "stopped", "suspended"] },
    powerNonce: shortText,
    vcpus: { type: "integer", minimum: 1, maximum: 240 },
    memoryMib: { type: "integer", minimum: 16, maximum: 16_777_216 },
    disks: { type: "array", maxItems: 26, items: disk },
    images: {
      type: "array",
      maxItems: 26,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["imageId", "path"],
        properties: { imageId: fileSafeId, path: { type: "string", pattern: "^/[^\\u0000]*$", maxLength: 4096 } },
      },
    },
    interfaces: {
      type: "array",
      maxItems: 24,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["portId", "macAddress", "mtu"],
        properties: { portId: uuid, macAddress, mtu: { type: "integer", minimum: 68, maximum: 65_521 } },
      },
    },
    configDrive: { type: "boolean" },
    metadata: {
      type: "object",
      additionalProperties: false,
      required: ["files"],
      properties: {
        files: metadataFiles({ type: "string" }),
        binaryFiles: metadataFiles({ type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$" }),
      },
    },
    addresses: {
      type: "array",
      maxItems: 512,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["networkId", "address"],
        properties: { networkId: uuid, address: { type: "string", pattern: "^[0-9a-fA-F.:]{2,39}$" } },
      },
    },
    networks: { type: "array", maxItems: 24, items: network },
  },
} as const;

/** Body of `POST /v1/guests/:id/reboot`. */
export const rebootSchema = {
  type: "object",
  additionalProperties: false,
  required: ["kind", "nonce"],
  properties: { kind: { enum: ["soft", "hard"] }, nonce: shortText },
} as const;

/** Body of `POST /v1/guests/:id/password`. */
export const passwordSchema = {
  type: "object",
  additionalProperties: false,
  required: ["user", "password"],
  properties: {
    user: { type: "string", pattern: "^[^:\\u0000-\\u001f]{1,255}$" },
    password: { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 4096 },
  },
} as const;

const volumeSource = {
  oneOf: [
    { type: "object", additionalProperties: false, required: ["kind"], properties: { kind: { const: "empty" } } },
    {
      type: "object",
      additionalProperties: false,
      required: ["kind", "imageId", "sha512", "format", "sizeBytes", "path"],
      properties: {
        kind: { const: "image" },
        imageId: fileSafeId,
        sha512,
        format: { enum: ["qcow2", "raw"] },
        sizeBytes: size,
        path,
      },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["kind", "volumeId", "key"],
      properties: { kind: { const: "volume" }, volumeId: uuid, key: keyOrNull },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["kind", "volumeId", "snapshotId", "key"],
      properties: { kind: { const: "snapshot" }, volumeId: uuid, snapshotId: uuid, key: keyOrNull },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["kind", "backupId", "key"],
      properties: { kind: { const: "backup" }, backupId: uuid, key },
    },
  ],
} as const;

/** Body of `PUT /v1/volumes/:id`. */
export const volumeSpecSchema = {
  type: "object",
  additionalProperties: false,
  required: ["id", "generation", "sizeGib", "key", "source", "snapshots"],
  properties: {
    id: uuid,
    generation,
    sizeGib: { type: "integer", minimum: 1, maximum: 65_536 },
    key: keyOrNull,
    source: volumeSource,
    snapshots: { type: "array", maxItems: 10_000, uniqueItems: true, items: uuid },
    revert: {
      type: "object",
      additionalProperties: false,
      required: ["snapshotId", "nonce"],
      properties: { snapshotId: uuid, nonce: shortText },
    },
  },
} as const;

/** Body of `PUT /v1/backups/:id`. */
export const backupSpecSchema = {
  type: "object",
  additionalProperties: false,
  required: ["id", "volumeId", "volumeKey", "snapshotId", "parentId", "key"],
  properties: {
    id: uuid,
    volumeId: uuid,
    volumeKey: keyOrNull,
    snapshotId: { anyOf: [uuid, { type: "null" }] },
    parentId: { anyOf: [uuid, { type: "null" }] },
    key,
  },
} as const;

/** Body of `PUT /v1/exports/:id`. */
export const exportSpecSchema = {
  type: "object",
  additionalProperties: false,
  required: ["id", "source", "format"],
  properties: {
    id: uuid,
    source: {
      oneOf: [
        {
          type: "object",
          additionalProperties: false,
          required: ["kind", "volumeId", "snapshotId", "key"],
          properties: {
            kind: { const: "volume" },
            volumeId: uuid,
            snapshotId: { anyOf: [uuid, { type: "null" }] },
            key: keyOrNull,
          },
        },
        {
          type: "object",
          additionalProperties: false,
          required: ["kind", "guestId", "diskId", "quiesce"],
          properties: {
            kind: { const: "guestDisk" },
            guestId: uuid,
            diskId: fileSafeId,
            quiesce: { type: "boolean" },
          },
        },
      ],
    },
    format: { enum: ["qcow2", "raw"] },
  },
} as const;
