import { invalid } from "@andromede/base/errors";

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})?$/;

/** ISO 8601; without a zone it is UTC, as everywhere in Keystone. */
export function parseExpiry(text: string, nowMs: number, field: string): Date {
  const match = ISO.exec(text);
  const time = match === null ? NaN : Date.parse(match[2] === undefined ? `${text}Z` : text);
  if (Number.isNaN(time)) throw invalid("Timestamp not in expected format.", { field });
  if (time <= nowMs) throw invalid("The 'expires_at' must not be before now.", { field });
  return new Date(time);
}
