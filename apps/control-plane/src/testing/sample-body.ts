/** Makes a smallest valid value for a JSON Schema: enough for tests that must get past validation. */
import type { JsonSchema } from "../http/service.ts";

type Schema = {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: { [name: string]: Schema };
  required?: string[];
  items?: Schema;
  minItems?: number;
  minLength?: number;
  minimum?: number;
  minProperties?: number;
  format?: string;
  pattern?: string;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
};

const FORMATS: { [format: string]: string } = {
  uuid: "7f3c2b1e-0d5a-4f6b-9c8d-1a2b3c4d5e6f",
  uri: "https://example.org/",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  email: "someone@example.org",
  "date-time": "2030-01-01T00:00:00Z",
};

export function sampleOf(schema: JsonSchema): unknown {
  return sample(schema as Schema);
}

function sample(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const { oneOf, anyOf, ...rest } = schema;
  const choice = oneOf?.[0] ?? anyOf?.[0];
  return choice === undefined ? sampleOfType(typeOf(schema), schema) : sample({ ...rest, ...choice });
}

function typeOf(schema: Schema): string | undefined {
  const named = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return named ?? (schema.properties === undefined ? "string" : "object");
}

function sampleOfType(type: string | undefined, schema: Schema): unknown {
  switch (type) {
    case "object":
      return sampleObject(schema);
    case "array":
      return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items ?? {}));
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    case "null":
      return null;
    case undefined:
    default:
      return FORMATS[schema.format ?? ""] ?? "x".repeat(Math.max(1, schema.minLength ?? 1));
  }
}

function sampleObject(schema: Schema): { [name: string]: unknown } {
  const all = schema.properties ?? {};
  const wanted = new Set(schema.required ?? []);
  for (const name of Object.keys(all)) if (wanted.size < (schema.minProperties ?? 0)) wanted.add(name);
  return Object.fromEntries([...wanted].map((name) => [name, sample(all[name] ?? {})]));
}
