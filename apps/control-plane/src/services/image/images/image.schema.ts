/** Request schemas, and the documents under /v2/schemas (Image API v2, "Image Schemas"). Pure. */
import { CONTAINER_FORMATS, DISK_FORMATS } from "./image.model.ts";

const UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";
const INT4 = 2147483647;

const size = { type: "integer", minimum: 0, maximum: INT4 } as const;

/** What clients may write: on create all together, in a patch one by one. */
export const writableProperties = {
  name: { type: ["null", "string"], description: "Descriptive name for the image", maxLength: 255 },
  visibility: {
    type: "string",
    description: "Scope of image accessibility",
    enum: ["community", "public", "private", "shared"],
  },
  protected: { type: "boolean", description: "If true, image will not be deletable." },
  os_hidden: { type: "boolean", description: "If true, image will not appear in default image list response." },
  owner: { type: ["null", "string"], description: "Owner of the image", maxLength: 255 },
  container_format: {
    type: ["null", "string"],
    description: "Format of the container",
    enum: [null, ...CONTAINER_FORMATS],
  },
  disk_format: { type: ["null", "string"], description: "Format of the disk", enum: [null, ...DISK_FORMATS] },
  tags: {
    type: "array",
    description: "List of strings related to the image",
    items: { type: "string", maxLength: 255 },
    maxItems: 1024,
  },
  min_ram: { ...size, description: "Amount of ram (in MB) required to boot image." },
  min_disk: { ...size, description: "Amount of disk space (in GB) required to boot image." },
} as const;

const id = { type: "string", description: "An identifier for the image", pattern: UUID } as const;

/** Written by the service alone: 403 for who tries. */
export const READ_ONLY = [
  "created_at",
  "updated_at",
  "status",
  "checksum",
  "size",
  "virtual_size",
  "direct_url",
  "self",
  "file",
  "schema",
  "id",
  "stores",
  "os_hash_algo",
  "os_hash_value",
] as const;

export const RESERVED = ["location", "deleted", "deleted_at"] as const;

export const createImageSchema = {
  type: "object",
  properties: { id, ...writableProperties },
  additionalProperties: true,
} as const;

export const patchSchema = { type: "array", maxItems: 1024, items: { type: "object" } } as const;

const readOnly = (description: string, type: string | string[], more: object = {}) => ({
  type,
  readOnly: true,
  description,
  ...more,
});

const imageProperties = {
  id,
  ...writableProperties,
  status: readOnly("Status of the image", "string", {
    enum: [
      "queued",
      "saving",
      "active",
      "killed",
      "deleted",
      "uploading",
      "importing",
      "pending_delete",
      "deactivated",
    ],
  }),
  checksum: readOnly("md5 hash of image contents.", ["null", "string"], { maxLength: 32 }),
  os_hash_algo: readOnly("Algorithm to calculate the os_hash_value", ["null", "string"], { maxLength: 64 }),
  os_hash_value: readOnly(
    "Hexdigest of the image contents using the algorithm specified by the os_hash_algo",
    ["null", "string"],
    { maxLength: 128 },
  ),
  size: readOnly("Size of image file in bytes", ["null", "integer"]),
  virtual_size: readOnly("Virtual size of image in bytes", ["null", "integer"]),
  created_at: readOnly("Date and time of image registration", "string"),
  updated_at: readOnly("Date and time of the last image modification", "string"),
  self: readOnly("An image self url", "string"),
  file: readOnly("An image file url", "string"),
  schema: readOnly("An image schema url", "string"),
};

const describedBy = { rel: "describedby", href: "{schema}" } as const;

export const imageDocument = {
  name: "image",
  properties: imageProperties,
  additionalProperties: { type: "string" },
  links: [{ rel: "self", href: "{self}" }, { rel: "enclosure", href: "{file}" }, describedBy],
};

const collectionOf = (name: string, items: object) => ({
  name,
  properties: {
    [name]: { type: "array", items },
    first: { type: "string" },
    next: { type: "string" },
    schema: { type: "string" },
  },
  links: [{ rel: "first", href: "{first}" }, { rel: "next", href: "{next}" }, describedBy],
});

export const imagesDocument = collectionOf("images", imageDocument);

export const memberDocument = {
  name: "member",
  properties: {
    member_id: { type: "string", description: "An identifier for the image member (tenantId)" },
    image_id: id,
    created_at: { type: "string", description: "Date and time of image member creation" },
    updated_at: { type: "string", description: "Date and time of last modification of image member" },
    status: {
      type: "string",
      description: "The status of this image member",
      enum: ["pending", "accepted", "rejected"],
    },
    schema: { readOnly: true, type: "string" },
  },
};

export const membersDocument = {
  name: "members",
  properties: { members: { type: "array", items: memberDocument }, schema: { type: "string" } },
  links: [describedBy],
};

export const taskDocument = {
  name: "task",
  properties: {
    id: { type: "string", description: "An identifier for the task" },
    type: { type: "string", enum: ["import", "api_image_import"] },
    status: { type: "string", enum: ["pending", "processing", "success", "failure"] },
    input: { type: ["null", "object"], description: "The parameters required by task" },
    result: { type: ["null", "object"], description: "The result of current task" },
    owner: { type: "string", description: "An identifier for the owner of this task" },
    message: { type: "string" },
    image_id: { type: "string" },
    request_id: { type: "string" },
    user_id: { type: "string" },
    expires_at: { type: ["null", "string"] },
    created_at: { type: "string" },
    updated_at: { type: "string" },
    self: { readOnly: true, type: "string" },
    schema: { readOnly: true, type: "string" },
  },
};

export const tasksDocument = collectionOf("tasks", taskDocument);
