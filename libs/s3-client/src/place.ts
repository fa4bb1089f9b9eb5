/** A bucket somewhere, as programs' configurations name it. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";

import { invalid } from "@andromede/base/errors";

import { type S3Client, createS3Client } from "./client.ts";

export type S3Place = {
  /** `http://` or `https://`, host and port; buckets are addressed by path. */
  endpoint: string;
  region: string;
  bucket: string;
  accessKey: string;
  /** File with the secret key, readable by our user only. */
  secretKeyFile: string;
  /** Certificates to trust besides the system's, PEM. */
  caFile?: string;
};

const text = { type: "string", minLength: 1 } as const;

/** A place's members in a JSON schema. */
export const s3PlaceProperties = {
  endpoint: { type: "string", pattern: "^https?://[^/?#]+/?$" },
  region: text,
  bucket: text,
  accessKey: text,
  secretKeyFile: text,
  caFile: text,
} as const;

/** Those of them that must be there. */
export const s3PlaceRequired = ["endpoint", "region", "bucket", "accessKey", "secretKeyFile"] as const;

/**
 * JSON schema of where a program keeps bytes: `{ driver: <files>, directory }`, or `{ driver: "s3" }` with a place's members.
 * `more`: what the program adds to those.
 */
export const storeSchema = (
  files: string,
  more: { required?: readonly string[]; properties?: { [name: string]: object } } = {},
): object => ({
  oneOf: [
    {
      type: "object",
      required: ["driver", "directory"],
      additionalProperties: false,
      properties: { driver: { const: files }, directory: text },
    },
    {
      type: "object",
      required: ["driver", ...s3PlaceRequired, ...(more.required ?? [])],
      additionalProperties: false,
      properties: { driver: { const: "s3" }, ...s3PlaceProperties, ...more.properties },
    },
  ],
});

/** The client of a place. Throws `invalid` when others can read its secret key. */
export function openS3Place(place: S3Place): S3Client {
  return createS3Client({
    endpoint: place.endpoint,
    region: place.region,
    bucket: place.bucket,
    accessKey: place.accessKey,
    secretKey: readSecret(place.secretKeyFile),
    ...(place.caFile === undefined ? {} : { ca: readFileSync(place.caFile, "utf8") }),
  });
}

function readSecret(file: string): string {
  const handle = openSync(file, "r");
  try {
    if ((fstatSync(handle).mode & 0o077) !== 0) throw invalid(`${file}: the secret key can be read by others`);
    return readFileSync(handle, "utf8").trim();
  } finally {
    closeSync(handle);
  }
}
