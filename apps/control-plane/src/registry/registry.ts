import type { App } from "../app.ts";
import type { Transaction } from "../db/transaction.ts";

/**
 * Rule 8a: one entry for each class of resource, from its first day. Purge, export, doctor, metering and the
 * every-class tests walk these; a table of a tenant's things without an entry fails the tests.
 */
export type ResourceClass = {
  /** `compute.server`: service and noun; also the prefix of its event actions. */
  name: string;
  table: string;
  /** Column that holds the owner project; null: belongs to a user, a domain, or the operator. */
  ownerColumn: string | null;
  /** Lower goes first when a project is purged: servers before ports before networks. */
  deleteOrder: number;
  /** What is metered, in the units an invoice shows; empty: nothing is charged for it. */
  meters: { name: string; unit: string }[];
  /** Verbs its events use: `create` means action `compute.server.create`. */
  verbs: string[];
  /** Ids of what the project owns. */
  list(app: App, projectId: string): Promise<string[]>;
  /** Starts the deletion of one, as its API would; converges to gone. Absent: it goes with its parent. */
  remove?(app: App, tx: Transaction, id: string): Promise<void>;
  /** One resource as plain data for the customer's export; never a secret. */
  export(app: App, id: string): Promise<{ [key: string]: unknown } | null>;
};

/** `list` of what belongs to a user, a domain or the operator. */
export const nothingOwned = (): Promise<string[]> => Promise.resolve([]);

/** An id of what has two parts, `<first>/<second>`: no first part holds a slash. */
export const pairId = (first: string, second: string): string => `${first}/${second}`;
export const pairOf = (id: string): [string, string] => [id.slice(0, id.indexOf("/")), id.slice(id.indexOf("/") + 1)];
