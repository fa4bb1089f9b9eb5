/** Pieces of Nova's wire that every resource uses: schema types, dates, links. Pure. */
import { invalid } from "@andromede/base/errors";

import type { Link } from "../../../http/links.ts";
import type { ApiRequest } from "../../../http/service.ts";

/** The path below the mount that clients find in the catalog. */
export const ROOT = "/v2.1";

/** A name: 1 to 255 characters, at least one of them visible, none of them a control character. */
export const nameSchema = {
  type: "string",
  minLength: 1,
  maxLength: 255,
  pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}]*[^\\p{C}\\p{Z}][^\\p{C}\\p{Zl}\\p{Zp}]*$",
} as const;
export const descriptionSchema = {
  type: ["string", "null"],
  maxLength: 255,
  pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}]*$",
} as const;
export const booleanSchema = {
  type: ["boolean", "string"],
  enum: [
    true,
    "True",
    "TRUE",
    "true",
    "1",
    "ON",
    "On",
    "on",
    "YES",
    "Yes",
    "yes",
    false,
    "False",
    "FALSE",
    "false",
    "0",
    "OFF",
    "Off",
    "off",
    "NO",
    "No",
    "no",
  ],
} as const;
/** What PostgreSQL's integer holds. */
export const MAX_INT = 0x7fff_ffff;

/** A number, or its digits as text, as Nova takes both. */
export const integerSchema = (minimum: number, maximum = MAX_INT) =>
  ({
    anyOf: [
      { type: "integer", minimum, maximum },
      { type: "string", pattern: minimum < 0 ? "^-?[0-9]{1,10}$" : "^[0-9]{1,10}$" },
    ],
  }) as const;

export const uuidSchema = {
  type: "string",
  pattern: "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$",
} as const;
/** Microversion 2.26: no slash, no comma. */
export const tagSchema = { type: "string", minLength: 1, maxLength: 60, pattern: "^[^,/]*$" } as const;

/** Nova's metadata keys and values. */
export const metadataSchema = {
  type: "object",
  propertyNames: { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9-_:. ]{1,255}$" },
  additionalProperties: { type: "string", maxLength: 255 },
} as const;

/** Reads what `integerSchema` let pass; a text may still be too large. */
export function toInteger(value: number | string, name: string, minimum: number, maximum = MAX_INT): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < minimum || number > maximum) {
    throw invalid(
      `Invalid input for field/attribute ${name}. Value: ${String(value)}. It must be between ${minimum} and ${maximum}`,
      { field: name },
    );
  }
  return number;
}

/** Reads what `booleanSchema` let pass. */
export const toBoolean = (value: boolean | string): boolean =>
  typeof value === "boolean" ? value : ["true", "1", "on", "yes"].includes(value.toLowerCase());

/** `2026-11-21T10:00:00Z`: Nova's dates have no fraction. */
export const isoTime = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`;
/** `2026-11-21T10:00:00.000000`: some of them do, and then no zone. */
export const isoMicroseconds = (at: Date): string => `${at.toISOString().slice(0, 23)}000`;

/** A list's `next` link, as Nova builds it: the request's own query with another marker. */
export const nextLink = (request: Pick<ApiRequest, "baseUrl">, path: string, query: string): Link[] => [
  { rel: "next", href: `${request.baseUrl}/compute${ROOT}/${path}?${query}` },
];
