/** All that other services and the bootstrap may know of compute. */
import type postgres from "postgres";

import type { Transaction } from "../../db/transaction.ts";
import { insertFlavor } from "./flavors/flavor.queries.ts";
import { touchServerRow } from "./servers/server.queries.ts";

/** A flavor that `up` makes sure of. False: there is one of that id or name already, and it is left as it is. */
export function ensureFlavor(
  sql: postgres.ISql,
  flavor: { id: string; name: string; vcpus: number; ramMib: number; diskGib: number; description?: string },
  at: Date,
): Promise<boolean> {
  const { description = null, ...size } = flavor;
  const rest = { ephemeralGib: 0, swapMib: 0, rxtxFactor: 1, isPublic: true, disabled: false };
  return insertFlavor(sql, { ...size, ...rest, description, createdAt: at });
}

/** Something that a server's guest is told of has changed elsewhere (a volume's size or limits): its host hears of it anew. */
export async function touchServer(tx: Transaction, serverId: string): Promise<void> {
  await touchServerRow(tx.sql, serverId);
  tx.enqueue(`server/${serverId}`);
}
