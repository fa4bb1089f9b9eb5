import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import * as formats from "ajv-formats";

import { invalid } from "@andromede/base/errors";

import type { JsonSchema, VersionedSchema } from "./service.ts";

const ajv = new Ajv({
  allErrors: false,
  allowUnionTypes: true,
  strict: true,
  strictRequired: false,
  strictTypes: false,
  verbose: true,
});
formats.default.default(ajv, ["uri", "ipv4", "ipv6", "email", "date-time", "uuid"]);

const compiled = new WeakMap<JsonSchema, ValidateFunction>();

/** Compiled when first used: a program that serves ten routes does not pay for three hundred. */
function compile(schema: JsonSchema): ValidateFunction {
  const found = compiled.get(schema);
  if (found !== undefined) return found;
  const made = ajv.compile(schema);
  compiled.set(schema, made);
  return made;
}

/** The schema in force at a microversion. */
export function schemaAt(schema: JsonSchema | VersionedSchema, version: number): JsonSchema {
  if (!Array.isArray(schema)) return schema as JsonSchema;
  let inForce: JsonSchema | undefined;
  for (const entry of schema as VersionedSchema) if (entry.since <= version) inForce = entry.schema;
  if (inForce === undefined) throw new Error(`no schema at microversion ${version}`);
  return inForce;
}

/** Throws `invalid` naming the member; never changes the value (no defaults, no coercion). */
export function validate(schema: JsonSchema, value: unknown): void {
  const check = compile(schema);
  if (check(value)) return;
  const error = check.errors?.[0];
  throw invalid(describe(error), { field: fieldOf(error) });
}

function fieldOf(error: ErrorObject | undefined): string {
  return (error?.instancePath ?? "").slice(1).replaceAll("/", ".");
}

/** In the manner of OpenStack's messages: "Invalid input for field/attribute name. Value: ''. '' is too short". */
/** Names of members whose values are nobody's business: the message goes back to the client, and into our log. */
const SECRET = /pass|secret|token|user_data|blob|private/i;

function show(field: string, value: unknown): string {
  if (SECRET.test(field)) return "***";
  return JSON.stringify(value, (name, inner: unknown) => (SECRET.test(name) ? "***" : inner)) ?? "undefined";
}

function describe(error: ErrorObject | undefined): string {
  if (error === undefined) return "Invalid input";
  const field = fieldOf(error);
  if (error.keyword === "additionalProperties") {
    const extra = String((error.params as { additionalProperty: string }).additionalProperty);
    return `Invalid input${field === "" ? "" : ` for field/attribute ${field}`}. Additional properties are not allowed ('${extra}' was unexpected)`;
  }
  if (error.keyword === "required") {
    const missing = String((error.params as { missingProperty: string }).missingProperty);
    return `Invalid input${field === "" ? "" : ` for field/attribute ${field}`}. '${missing}' is a required property`;
  }
  const shown = show(field, error.data);
  const value = shown.length > 120 ? `${shown.slice(0, 120)}...` : shown;
  return `Invalid input for field/attribute ${field === "" ? "body" : field}. Value: ${value}. It ${error.message ?? "is not valid"}`;
}
