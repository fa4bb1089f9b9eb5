/** Where bytes may be kept: one place, which has a name so that clients that ask for stores find it. */
import { conflict } from "@andromede/base/errors";

export const STORE = { id: "file", description: "The images of this installation", default: "true" } as const;

/** One that a client names must be the one there is. */
export function assertStore(named: string | string[] | undefined): void {
  const wanted = typeof named === "string" ? named : named?.[0];
  if (wanted !== undefined && wanted !== "" && wanted !== STORE.id)
    throw conflict(`Failed to find a store with the name '${wanted}': there is '${STORE.id}'`);
}
