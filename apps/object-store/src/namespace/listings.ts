import type { Container } from "./container.model.ts";
import { listContainerRows } from "./container.queries.ts";
import type { NamespaceDeps } from "./deps.ts";
import { type ListedRow, listAllVersions, listCurrent, listOlderVersions, listRolledUp } from "./list.queries.ts";
import { type Span, compareNames, endOfPrefix, isStorable, spanOf } from "./names.ts";
import type { ListRange, ListedObject, Namespace, Page } from "./namespace.ts";
import { rollUp } from "./roll-up.ts";

type Listings = Pick<Namespace, "listContainers" | "listObjects" | "listVersions">;

export function createListings(deps: NamespaceDeps): Listings {
  const { db } = deps;
  return {
    listContainers: (projectId, range) =>
      rollUp(range, (span, limit) =>
        listContainerRows(db, projectId, span, { reverse: range.reverse ?? false, limit }).then((rows) =>
          rows.map((row) => ({ name: row.name, item: row })),
        ),
      ),
    listObjects: (container, range) => listObjects(deps, container, range),
    listVersions: (container, range) => listVersions(deps, container, range),
  };
}

const EMPTY = { entries: [], truncated: false };

/** One more is looked for than is given: whether there is more is known then. */
async function listObjects(deps: NamespaceDeps, container: Container, range: ListRange): Promise<Page<ListedObject>> {
  const span = spanOf(range);
  if (span === null || range.limit <= 0) return EMPTY;
  const now = new Date(deps.clock.now());
  const limit = range.limit + 1;
  const rows = isDelimited(range)
    ? await listRolledUp(deps.db, container.id, span, { ...rolledBy(range, false), limit, now })
    : await listCurrent(deps.db, container.id, span, { reverse: range.reverse ?? false, limit, now });
  return pageOf(
    rows.map((row) => toEntry(row, true)),
    range.limit,
  );
}

const isDelimited = (range: ListRange): range is ListRange & { delimiter: string } =>
  range.delimiter !== undefined && range.delimiter !== "" && isStorable(range.delimiter);

function rolledBy(
  { prefix = "", delimiter, marker, reverse = false }: ListRange & { delimiter: string },
  versions: boolean,
) {
  return {
    // PostgreSQL counts code points
    prefixLength: Array.from(prefix).length,
    delimiter,
    delimiterEnd: endOfPrefix(delimiter),
    // a page that ended with a common prefix goes on behind it
    skip: marker !== undefined && isStorable(marker) ? marker : null,
    reverse,
    versions,
  };
}

function toEntry({ isPrefix, details, ...row }: ListedRow, isLatest: boolean): ListedObject | { prefix: string } {
  if (isPrefix) return { prefix: row.key };
  const listed: ListedObject = { ...row, isLatest };
  if (details?.owner !== undefined) listed.owner = details.owner;
  if (details?.slo !== undefined) listed.slo = details.slo;
  if (details?.symlink !== undefined) listed.symlink = details.symlink;
  return listed;
}

function pageOf<Item>(entries: (Item | { prefix: string })[], limit: number): Page<Item> {
  return { entries: entries.slice(0, limit), truncated: entries.length > limit };
}

/** `isLatest`: of a key's versions the newest comes first. */
async function listVersions(
  deps: NamespaceDeps,
  container: Container,
  range: ListRange & { sequenceMarker?: number },
): Promise<Page<ListedObject>> {
  const span = spanOf(range);
  if (range.limit <= 0) return EMPTY;
  const limit = range.limit + 1;
  const older = await olderOf(deps, container, range, limit);
  const left = limit - older.length;
  const rest = span === null || left <= 0 ? [] : await versionsIn(deps, container, { range, span, limit: left });
  let previous: string | null = null;
  const entries = rest.map((row) => {
    const isLatest = row.key !== previous;
    previous = row.key;
    return toEntry(row, isLatest);
  });
  return pageOf([...older.map((row) => toEntry(row, false)), ...entries], range.limit);
}

/** The page before ended inside a key. */
function olderOf(
  deps: NamespaceDeps,
  container: Container,
  range: ListRange & { sequenceMarker?: number },
  limit: number,
): Promise<ListedRow[]> | ListedRow[] {
  const { marker, sequenceMarker, prefix = "", delimiter = "" } = range;
  if (marker === undefined || sequenceMarker === undefined || !isStorable(marker) || !marker.startsWith(prefix))
    return [];
  if (delimiter !== "" && marker.includes(delimiter, prefix.length)) return [];
  if (range.endMarker !== undefined && compareNames(marker, range.endMarker) >= 0) return [];
  return listOlderVersions(deps.db, container.id, marker, sequenceMarker, limit);
}

function versionsIn(
  { db, clock }: NamespaceDeps,
  container: Container,
  { range, span, limit }: { range: ListRange; span: Span; limit: number },
): Promise<ListedRow[]> {
  const options = { limit, now: new Date(clock.now()) };
  return isDelimited(range)
    ? listRolledUp(db, container.id, span, { ...rolledBy(range, true), reverse: false, ...options })
    : listAllVersions(db, container.id, span, limit);
}
