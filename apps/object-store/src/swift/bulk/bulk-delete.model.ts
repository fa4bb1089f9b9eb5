/** The body of a bulk deletion. Pure. */
import { LIMITS } from "../limits.ts";
import { refusal, statusLine } from "../wire/refusal.ts";
import { unquote } from "../wire/text.ts";

export type DoomedLine = { name: string; error?: { status: number; message: string } };

/** One name a line, percent-encoded. `body`: a character a byte. */
export function parseDoomed(body: string): DoomedLine[] {
  const doomed: DoomedLine[] = [];
  for (const line of body.split("\n")) {
    const raw = line.trim();
    if (raw === "") continue;
    if (doomed.length >= LIMITS.bulkDeletes)
      throw refusal(413, `Maximum Bulk Deletes: ${LIMITS.bulkDeletes} per request`);
    const name = unquote(raw);
    doomed.push(name === null ? { name: raw, error: { status: 412, message: statusLine(412) } } : { name });
  }
  return doomed;
}
