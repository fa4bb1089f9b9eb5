import { notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import type { Tagged } from "./tag.model.ts";
import { findTags, lockTags, updateTags } from "./tag.queries.ts";

const resourceNotFound = (table: Tagged, id: string) =>
  notFound(`Resource ${table} ${id} could not be found.`, { type: "TagResourceNotFound" });
const tagNotFound = (tag: string) => notFound(`Tag ${tag} could not be found.`, { type: "TagNotFound" });

export async function readTags(sql: Queryable, table: Tagged, requester: Requester, id: string): Promise<string[]> {
  const row = await findTags(sql, table, requester, id);
  if (row === null) throw resourceNotFound(table, id);
  return row.tags;
}

export async function checkTag(
  sql: Queryable,
  table: Tagged,
  requester: Requester,
  id: string,
  tag: string,
): Promise<void> {
  if (!(await readTags(sql, table, requester, id)).includes(tag)) throw tagNotFound(tag);
}

/** `change` throws when the tags do not allow it. */
export async function changeTags(
  tx: Transaction,
  table: Tagged,
  requester: Requester,
  id: string,
  change: (tags: string[]) => string[],
): Promise<string[]> {
  const row = await lockTags(tx.sql, table, requester, id);
  if (row === null) throw resourceNotFound(table, id);
  const tags = [...new Set(change(row.tags))].toSorted();
  await updateTags(tx.sql, table, id, tags);
  // a tag is nothing to OVN, but it raises the revision, and the row is to count as realised again
  if (table !== "subnetpool" && table !== "qos_policy" && table !== "trunk" && table !== "security_group_rule")
    tx.enqueue(`${table}/${id}`);
  tx.event({
    action: `network.${table}.update`,
    target: { type: table, id, projectId: row.projectId },
    detail: { tags },
  });
  return tags;
}

export const withoutTag =
  (tag: string) =>
  (tags: string[]): string[] => {
    if (!tags.includes(tag)) throw tagNotFound(tag);
    return tags.filter((one) => one !== tag);
  };
