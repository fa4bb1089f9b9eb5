/** What the collector decides. Pure. */
import type { PackState } from "./collect.queries.ts";

/** Header, tag and checksum of a body in a pack. */
const AROUND = 48;

/** Is less than half of a pack somebody's? Then what is gets moved, and the pack goes. */
export const isHalfDead = ({ sealedBytes, live, liveBytes }: PackState): boolean =>
  (liveBytes + live * AROUND) * 2 < sealedBytes;
