/** What may be sent about compute services (Compute API, "Compute services"). Pure. */
import { booleanSchema } from "../common/wire.ts";

const host = { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9-._]*$" } as const;
const reason = { type: "string", minLength: 1, maxLength: 255 } as const;
const binary = { type: "string", minLength: 1, maxLength: 255 } as const;

/** Until 2.53: the verb is in the path, the host in the body. */
export const serviceByHostSchema = {
  type: "object",
  required: ["host", "binary"],
  additionalProperties: false,
  properties: { host, binary, disabled_reason: reason },
} as const;
export type ServiceByHostBody = { host: string; binary: string; disabled_reason?: string };

export const forceDownSchema = {
  type: "object",
  required: ["host", "binary", "forced_down"],
  additionalProperties: false,
  properties: { host, binary, forced_down: booleanSchema },
} as const;
export type ForceDownBody = { host: string; binary: string; forced_down: boolean | string };

const word = { type: "string", maxLength: 20, pattern: "^\\s*([eE][nN]|[dD][iI][sS])[aA][bB][lL][eE]\\s*$" } as const;
/** Nova's `os-hosts`. */
export const hostSchema = {
  type: "object",
  minProperties: 1,
  additionalProperties: false,
  properties: { status: word, maintenance_mode: word },
} as const;
export type HostBody = { status?: string; maintenance_mode?: string };

export const serviceSchema = {
  type: "object",
  minProperties: 1,
  additionalProperties: false,
  properties: { status: { enum: ["enabled", "disabled"] }, disabled_reason: reason, forced_down: booleanSchema },
} as const;
export type ServiceBody = { status?: "enabled" | "disabled"; disabled_reason?: string; forced_down?: boolean | string };
