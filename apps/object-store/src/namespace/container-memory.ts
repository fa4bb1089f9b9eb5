/**
 * What containers were told, kept for as long as it is so: each request looks which row of the container is in force (`stamp`), and
 * only another than the one we know is read. So a change is in force with the next request, in every process.
 */
import type { Database } from "@andromede/platform/db/database";

import type { Container } from "./container.model.ts";
import { readContainer } from "./container.queries.ts";

const MOST_KEPT = 4_096;

/** null: it was deleted since. Everybody gets a container of their own, but what it was told is everybody's, and frozen. */
export type ReadContainer = (id: number, stamp: string) => Promise<Container | null>;

export function createContainerMemory(db: Database): ReadContainer {
  const known = new Map<number, { stamp: string; container: Container }>();
  return async (id, stamp) => {
    const found = known.get(id);
    if (found?.stamp === stamp) return { ...found.container };
    const read = await readContainer(db, id);
    if (read === null) {
      known.delete(id);
      return null;
    }
    if (known.size >= MOST_KEPT) known.clear();
    freeze(read.container.metadata);
    freeze(read.container.settings);
    known.set(id, read);
    return { ...read.container };
  };
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
}
