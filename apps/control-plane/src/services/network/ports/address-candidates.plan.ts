/** Where to look for a free address. Pure. */
import type { Range } from "../common/addresses.ts";

/** The ranges from just behind `after` round to it again. */
export function rotate(ranges: readonly Range[], after: bigint | undefined): Range[] {
  if (after === undefined) return [...ranges];
  const behind = ranges.flatMap(({ start, end }) =>
    end <= after ? [] : [{ start: start > after ? start : after + 1n, end }],
  );
  const before = ranges.flatMap(({ start, end }) => (start > after ? [] : [{ start, end: end < after ? end : after }]));
  return [...behind, ...before];
}

/** Up to `count` addresses, in the order in which they are to be tried. */
export function candidatesAfter(ranges: readonly Range[], after: bigint | undefined, count: number): bigint[] {
  const found: bigint[] = [];
  for (const { start, end } of rotate(ranges, after)) {
    for (let value = start; value <= end && found.length < count; value++) found.push(value);
  }
  return found;
}
