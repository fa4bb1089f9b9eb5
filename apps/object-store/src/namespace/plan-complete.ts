/** What an upload's parts add up to. Pure. */
import { invalid } from "@andromede/base/errors";

import type { PartRow } from "./upload.queries.ts";

/** S3: all parts but the last must be at least so large. */
const LEAST_PART_BYTES = 5 * 1024 * 1024;

export type Assembly = { size: number; parts: { sequence: number; offset: number; size: number }[] };

const unquoted = (etag: string): string => etag.replaceAll('"', "");

/** The parts that the client names, in their order, each where it begins; throws `invalid` when one is not as named. */
export function assemble(there: readonly PartRow[], named: readonly { number: number; etag: string }[]): Assembly {
  if (named.length === 0) throw invalid("You must specify at least one part", { type: "MalformedXML" });
  if (named.some(({ number }, index) => index > 0 && number <= (named[index - 1]?.number ?? 0)))
    throw invalid("The list of parts was not in ascending order. Parts must be ordered by part number.", {
      type: "InvalidPartOrder",
    });
  const ofNumber = new Map(there.map((part) => [part.number, part]));
  const parts: Assembly["parts"] = [];
  let size = 0;
  for (const [index, { number, etag }] of named.entries()) {
    const part = ofNumber.get(number);
    if (part === undefined || part.etag !== unquoted(etag))
      throw invalid("One or more of the specified parts could not be found.", { type: "InvalidPart" });
    if (part.size < LEAST_PART_BYTES && index < named.length - 1)
      throw invalid("Your proposed upload is smaller than the minimum allowed size", { type: "EntityTooSmall" });
    parts.push({ sequence: part.sequence, offset: size, size: part.size });
    size += part.size;
  }
  return { size, parts };
}
