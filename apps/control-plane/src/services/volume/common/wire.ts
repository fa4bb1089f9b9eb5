/** Pieces of Cinder's wire that every resource uses: schema types, dates, links. Pure. */
import { invalid } from "@andromede/base/errors";

import type { Link } from "../../../http/links.ts";
import type { ApiRequest } from "../../../http/service.ts";

/** The path below the mount that clients find in the catalog, with their project's id behind it. */
export const ROOT = "/v3";

/** Names may be empty, or not there at all. */
export const nameSchema = { type: ["string", "null"], maxLength: 255 } as const;
export const requiredNameSchema = { type: "string", minLength: 1, maxLength: 255, pattern: "[^\\s]" } as const;
export const descriptionSchema = { type: ["string", "null"], maxLength: 255 } as const;
const TRUE_WORDS = ["true", "1", "on", "yes", "t", "y"];
export const booleanSchema = {
  anyOf: [
    { type: "boolean" },
    {
      type: "string",
      pattern: "^(?:[tT]rue|TRUE|[fF]alse|FALSE|[01tfynTFYN]|[oO]n|ON|[oO]ff|OFF|[yY]es|YES|[nN]o|NO)$",
    },
  ],
} as const;
/** What PostgreSQL's integer holds. */
export const MAX_INT = 0x7fff_ffff;

/** A number, or its digits as text, as Cinder takes both. */
export const integerSchema = (minimum: number, maximum = MAX_INT) =>
  ({
    anyOf: [
      { type: "integer", minimum, maximum },
      {
        type: "string",
        pattern: minimum < 0 ? "^-?[0-9]{1,10}$" : minimum > 0 ? "^0*[1-9][0-9]{0,9}$" : "^[0-9]{1,10}$",
      },
    ],
  }) as const;

/** Any text: what is no id of ours is simply not found. */
export const idSchema = { type: "string", minLength: 1, maxLength: 255 } as const;
export const uuidSchema = {
  type: "string",
  pattern: "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$",
} as const;
export const nullableUuidSchema = { anyOf: [uuidSchema, { type: "null" }] } as const;

/** Keys and values of metadata. */
export const metadataSchema = {
  type: "object",
  propertyNames: { type: "string", minLength: 1, maxLength: 255 },
  additionalProperties: { type: ["string", "number", "boolean"], maxLength: 255 },
} as const;
export const nullableMetadataSchema = { anyOf: [metadataSchema, { type: "null" }] } as const;
export type MetadataInput = { [key: string]: string | number | boolean };

/** Metadata is text, whatever a client sends. */
export const toMetadata = (input: MetadataInput | null | undefined): { [key: string]: string } =>
  Object.fromEntries(Object.entries(input ?? {}).map(([key, value]) => [key, pythonText(value)]));

const pythonText = (value: string | number | boolean): string =>
  typeof value === "boolean" ? (value ? "True" : "False") : String(value);

/** `{ <member>: {...} }`, as most bodies are. */
export const wrapped = (member: string, schema: object) =>
  ({ type: "object", required: [member], additionalProperties: false, properties: { [member]: schema } }) as const;

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
export const toBoolean = (value: boolean | string | undefined): boolean =>
  typeof value === "boolean" ? value : value !== undefined && TRUE_WORDS.includes(value.toLowerCase());

/** Reads an argument of the query as Cinder's `get_bool_param` does. */
export function queryBoolean(request: Pick<ApiRequest, "query">, name: string, fallback = false): boolean {
  const text = request.query.get(name);
  if (text === undefined) return fallback;
  const word = text.toLowerCase();
  if (TRUE_WORDS.includes(word)) return true;
  if (["false", "0", "off", "no", "f", "n"].includes(word)) return false;
  throw invalid(`Value '${text}' for '${name}' is not a boolean`, { field: name });
}

/** Cinder keeps names without the blanks around them. */
export const trimmed = (text: string | null | undefined): string | null | undefined =>
  typeof text === "string" ? text.trim() : text;

/** `2026-11-21T10:00:00.000000`: Cinder's dates have no zone. */
export const isoTime = (at: Date): string => `${at.toISOString().slice(0, 23)}000`;
export const isoTimeOrNull = (at: Date | null): string | null => (at === null ? null : isoTime(at));

type From = Pick<ApiRequest, "baseUrl" | "actor" | "path">;

/** `self` and `bookmark` of a resource, with the caller's project in both. */
export function linksOf(request: From, path: string): Link[] {
  const project = request.actor.projectId === null ? "" : `${request.actor.projectId}/`;
  return [
    { rel: "self", href: `${request.baseUrl}/volume${ROOT}/${project}${path}` },
    { rel: "bookmark", href: `${request.baseUrl}/volume/${project}${path}` },
  ];
}

/** A list's `next` link: the address that was asked for, with another marker. */
export const nextLink = (request: From, query: string): Link[] => [
  { rel: "next", href: `${request.baseUrl}${request.path}?${query}` },
];
