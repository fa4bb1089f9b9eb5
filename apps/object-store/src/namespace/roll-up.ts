/** Listings of what there are not many of (containers, uploads): rolled up here, skipping by the index what is rolled up. */
import { after, endOfPrefix, isStorable, spanOf } from "./names.ts";
import type { Span } from "./names.ts";
import type { ListRange, Page } from "./namespace.ts";

/** Rows of a span in the listing's order, at most `limit`. */
type Fetch<Item> = (span: Span, limit: number) => Promise<{ name: string; item: Item }[]>;

export async function rollUp<Item>(range: ListRange, fetch: Fetch<Item>): Promise<Page<Item>> {
  const { limit, reverse = false } = range;
  const span = spanOf(range);
  if (span === null || limit <= 0) return { entries: [], truncated: false };
  const entries: (Item | { prefix: string })[] = [];
  let [left, skip]: [Span | null, string | undefined] = [span, range.marker];
  while (left !== null && entries.length <= limit) {
    // eslint-disable-next-line no-await-in-loop -- where to go on is known from what was found
    const rows = await fetch(left, limit + 1 - entries.length);
    const { plain, found, name } = untilPrefix(range, rows);
    entries.push(...plain);
    if (found === null) break;
    if (found !== skip && entries.length <= limit) entries.push({ prefix: found });
    skip = found;
    left = reverse ? { low: left.low, high: found } : behind(left, found, name);
  }
  return { entries: entries.slice(0, limit), truncated: entries.length > limit };
}

/** What comes before the first name that is rolled up. */
function untilPrefix<Item>(range: ListRange, rows: { name: string; item: Item }[]) {
  const place = rows.findIndex(({ name }) => commonPrefix(range, name) !== null);
  const plain = (place === -1 ? rows : rows.slice(0, place)).map(({ item }) => item);
  const name = rows[place]?.name ?? "";
  return { plain, name, found: place === -1 ? null : commonPrefix(range, name) };
}

const behind = (span: Span, prefix: string, name: string): Span => ({
  low: endOfPrefix(prefix) ?? after(name),
  high: span.high,
});

function commonPrefix({ prefix = "", delimiter = "" }: ListRange, name: string): string | null {
  if (delimiter === "" || !isStorable(delimiter)) return null;
  const place = name.indexOf(delimiter, prefix.length);
  return place === -1 ? null : name.slice(0, place + delimiter.length);
}
