/** Values as Neutron's clients send them: booleans and numbers may be text. Pieces of schemas, and readers. Pure. */
import { invalid } from "@andromede/base/errors";

import type { JsonSchema } from "../../../http/service.ts";

export const name = { type: "string", maxLength: 255 } as const;
export const projectId = { type: "string", minLength: 1, maxLength: 255 } as const;
export const uuidText = { type: "string", maxLength: 255 } as const;
export const nullableId = { type: ["string", "null"], maxLength: 255 } as const;
export const boolean = { enum: [true, false, "true", "false", "True", "False", "1", "0", 1, 0] } as const;
export const addressText = { type: "string", maxLength: 64 } as const;
export const nullableAddress = { type: ["string", "null"], maxLength: 64 } as const;
export const integerText = { type: ["integer", "string"], maxLength: 12 } as const;

/** `{"network": {...}}`, or `{"networks": [{...}]}` where bulk creation is served. */
export function envelope(one: string, schema: JsonSchema, many?: string): JsonSchema {
  return {
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    properties: {
      [one]: schema,
      ...(many === undefined ? {} : { [many]: { type: "array", minItems: 1, maxItems: 1000, items: schema } }),
    },
  };
}

export type WireBoolean = boolean | "true" | "false" | "True" | "False" | "1" | "0" | 1 | 0;

export const toBoolean = (value: WireBoolean): boolean =>
  value === true || value === 1 || value === "1" || value === "true" || value === "True";

/** An integer within bounds, or refused by name. */
export function toInteger(value: number | string, field: string, min: number, max: number): number {
  const number = typeof value === "number" ? value : /^-?\d{1,10}$/.test(value.trim()) ? Number(value) : Number.NaN;
  if (!Number.isInteger(number))
    throw invalid(`Invalid input for ${field}. Reason: '${value}' is not an integer.`, { field });
  if (number < min || number > max) {
    throw invalid(`Invalid input for ${field}. Reason: '${number}' is not in the range ${min} to ${max}.`, { field });
  }
  return number;
}

/** The body's one resource or many, and how the answer is to be wrapped. */
export function resourcesOf<Wire>(
  body: { [key: string]: Wire | Wire[] },
  one: string,
  many: string,
): { bulk: boolean; wires: Wire[] } {
  const list = body[many];
  if (Array.isArray(list)) return { bulk: true, wires: list };
  return { bulk: false, wires: [body[one] as Wire] };
}

/** `2024-01-02T03:04:05Z`, as Neutron writes times. */
export const toTime = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

/** Only the members asked for with `fields=`. */
export function pickFields<View extends object>(view: View, fields: readonly string[]): object {
  if (fields.length === 0) return view;
  return Object.fromEntries(Object.entries(view).filter(([key]) => fields.includes(key)));
}
