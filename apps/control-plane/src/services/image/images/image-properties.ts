/** What clients may say of an image, on create and in a patch. Pure. */
import { type CloudError, forbidden, invalid, tooLarge } from "@andromede/base/errors";

import { validate } from "../../../http/validation.ts";
import type { Image, ImageVisibility } from "./image.model.ts";
import { READ_ONLY, RESERVED, writableProperties } from "./image.schema.ts";

/** Glance's default quotas (image_property_quota, image_tag_quota). */
const MAX_PROPERTIES = 128;
const MAX_TAGS = 128;
const MAX_PROPERTY_LENGTH = 65535;
/** Glance's own bookkeeping lives under this prefix. */
const RESERVED_PREFIX = "os_glance";

/** The part of an image that its owner writes. */
export type WritableImage = Pick<
  Image,
  | "name"
  | "projectId"
  | "visibility"
  | "diskFormat"
  | "containerFormat"
  | "minDisk"
  | "minRam"
  | "protected"
  | "osHidden"
  | "tags"
  | "properties"
>;

export type WritableName = keyof typeof writableProperties;

export const isWritable = (name: string): name is WritableName => Object.hasOwn(writableProperties, name);

/** Sets a member by its wire name. The value was validated. */
export function assign(image: WritableImage, name: WritableName, value: unknown): void {
  switch (name) {
    case "name":
      image.name = value as string | null;
      break;
    case "visibility":
      image.visibility = value as ImageVisibility;
      break;
    case "protected":
      image.protected = value as boolean;
      break;
    case "os_hidden":
      image.osHidden = value as boolean;
      break;
    case "owner":
      image.projectId = value as string | null;
      break;
    case "container_format":
      image.containerFormat = value as string | null;
      break;
    case "disk_format":
      image.diskFormat = value as string | null;
      break;
    case "tags":
      image.tags = [...new Set(value as string[])];
      break;
    case "min_ram":
      image.minRam = value as number;
      break;
    case "min_disk":
      image.minDisk = value as number;
      break;
  }
}

const readOnly = (name: string): CloudError => forbidden(`Attribute '${name}' is read-only.`);

/** Throws for names that are the service's own. */
export function checkName(name: string): void {
  if (READ_ONLY.some((known) => known === name)) throw readOnly(name);
  if (RESERVED.some((known) => known === name) || name.startsWith(RESERVED_PREFIX))
    throw forbidden(`Attribute '${name}' is reserved.`);
  if (name === "locations") throw forbidden("It's not allowed to set locations of an image.");
  // JSON has no such difficulty, but every program on the way that copies properties one by one has
  if (name === "__proto__") throw forbidden(`Attribute '${name}' is reserved.`);
  if (name.length > 255) throw invalid("Custom property should not be greater than 255 characters.");
}

const memberSchemas = new Map(
  Object.entries(writableProperties).map(([name, schema]) => [
    name,
    { type: "object", properties: { [name]: schema } },
  ]),
);

/** A value for a member or for one of the customer's own properties. */
export function checkValue(name: string, value: unknown): void {
  const schema = memberSchemas.get(name);
  if (schema !== undefined) validate(schema, { [name]: value });
  else if (typeof value !== "string")
    throw invalid(`Invalid input for field/attribute ${name}: it is not of type 'string'`, { field: name });
  else if (value.length > MAX_PROPERTY_LENGTH)
    throw invalid(`Invalid input for field/attribute ${name}: it is too long`, { field: name });
}

export function checkCounts(image: Pick<WritableImage, "tags" | "properties">): void {
  const properties = Object.keys(image.properties).length;
  if (properties > MAX_PROPERTIES) {
    throw tooLarge(
      `The limit has been exceeded on the number of allowed image properties. Attempted: ${properties}, Maximum: ${MAX_PROPERTIES}`,
    );
  }
  if (image.tags.length > MAX_TAGS) {
    throw tooLarge(
      `The limit has been exceeded on the number of allowed image tags. Attempted: ${image.tags.length}, Maximum: ${MAX_TAGS}`,
    );
  }
}

/** Reads a create body, which its schema has been over already. `projectId`: who owns it unless the body says. */
export function readNewImage(
  body: { [name: string]: unknown },
  projectId: string | null,
): WritableImage & { id: string | null } {
  const image: WritableImage = {
    name: null,
    projectId,
    visibility: "shared",
    diskFormat: null,
    containerFormat: null,
    minDisk: 0,
    minRam: 0,
    protected: false,
    osHidden: false,
    tags: [],
    properties: {},
  };
  let id: string | null = null;
  for (const [name, value] of Object.entries(body)) {
    if (name === "id") {
      // ids are compared as text everywhere
      id = (value as string).toLowerCase();
    } else if (isWritable(name)) {
      assign(image, name, value);
    } else {
      checkName(name);
      checkValue(name, value);
      image.properties[name] = value as string;
    }
  }
  checkCounts(image);
  return { ...image, id };
}
