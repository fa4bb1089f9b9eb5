import { conflict, forbidden, invalid, notFound, tooLarge } from "@andromede/base/errors";
import type { JsonObject } from "@andromede/base/json";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { Item, ItemKind, Namespace } from "./metadef.model.ts";
import {
  type WrittenNamespace,
  countItems,
  deleteItems,
  deleteNamespaceRow,
  findItem,
  insertItem,
  insertNamespace,
  lockNamespace,
  updateItemRow,
  updateNamespaceRow,
} from "./metadef.queries.ts";

type Request = Pick<ApiRequest, "app" | "actor" | "origin">;
type Named = { name: string; [member: string]: unknown };

export type NamespaceBody = {
  namespace: string;
  display_name?: string | null;
  description?: string | null;
  visibility?: "public" | "private";
  protected?: boolean;
  owner?: string;
  objects?: Named[];
  properties?: { [name: string]: JsonObject };
  tags?: Named[];
  resource_type_associations?: Named[];
};

const MAX_ITEMS = 2_000;
const MAX_BODY = 64 * 1024;

export const missingNamespace = (name: string) => notFound(`Metadata definition namespace=${name} was not found.`);
const missingItem = (kind: ItemKind, name: string, namespace: string) =>
  notFound(`The metadata definition ${kind} with name=${name} was not found in namespace=${namespace}.`);
const duplicateItem = (kind: ItemKind, name: string, namespace: string) =>
  conflict(`A metadata definition ${kind} with name=${name} already exists in namespace=${namespace}.`);

const SERVER_MEMBERS = ["name", "self", "schema", "created_at", "updated_at"];

export function toBody(given: Named): JsonObject {
  const body = Object.fromEntries(
    Object.entries(given).filter(([member]) => !SERVER_MEMBERS.includes(member)),
  ) as JsonObject;
  if (JSON.stringify(body).length > MAX_BODY) throw invalid(`A definition is larger than ${MAX_BODY} characters`);
  return body;
}

const blank = (projectId: string | null) => ({
  projectId,
  displayName: null,
  description: null,
  visibility: "private" as const,
  protected: false,
});

/** What the body does not say stays as it was. */
function written(before: Omit<WrittenNamespace, "namespace">, body: NamespaceBody): WrittenNamespace {
  return {
    namespace: body.namespace,
    projectId: body.owner ?? before.projectId,
    displayName: body.display_name === undefined ? before.displayName : body.display_name,
    description: body.description === undefined ? before.description : body.description,
    visibility: body.visibility ?? before.visibility,
    protected: body.protected ?? before.protected,
  };
}

function told(
  tx: Transaction,
  verb: "create" | "update" | "delete",
  space: WrittenNamespace,
  detail: JsonObject = {},
): void {
  const target = { type: "metadef_namespace", id: space.namespace, projectId: space.projectId };
  switch (verb) {
    case "create":
      tx.event({ action: "image.metadef_namespace.create", target, detail });
      break;
    case "update":
      tx.event({ action: "image.metadef_namespace.update", target, detail });
      break;
    case "delete":
      tx.event({ action: "image.metadef_namespace.delete", target, detail });
      break;
  }
}

export async function createNamespace(request: Request, body: NamespaceBody): Promise<Namespace> {
  return transact(request.app, request.origin, async (tx) => {
    const space = await insertNamespace(tx.sql, written(blank(request.actor.projectId), body));
    if (space === null) throw conflict(`The metadata definition namespace=${body.namespace} already exists.`);
    const given: [ItemKind, Named[]][] = [
      ["object", body.objects ?? []],
      ["property", Object.entries(body.properties ?? {}).map(([name, value]) => ({ ...value, name }))],
      ["tag", body.tags ?? []],
      ["resource_type", body.resource_type_associations ?? []],
    ];
    for (const [kind, items] of given) for (const item of items) await add(tx, space.namespace, kind, item);
    told(tx, "create", space);
    return space;
  });
}

export async function updateNamespace(request: Request, name: string, body: NamespaceBody): Promise<Namespace> {
  return transact(request.app, request.origin, async (tx) => {
    const before = await lockNamespace(tx.sql, name);
    if (before === null) throw missingNamespace(name);
    if (body.namespace !== name && (await lockNamespace(tx.sql, body.namespace)) !== null)
      throw conflict(`The metadata definition namespace=${body.namespace} already exists.`);
    const space = await updateNamespaceRow(tx.sql, name, written(before, body));
    told(tx, "update", space);
    return space;
  });
}

export async function deleteNamespace(request: Request, name: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const space = await lockNamespace(tx.sql, name);
    if (space === null) throw missingNamespace(name);
    if (space.protected) throw forbidden(`Metadata definition namespace=${name} is protected and cannot be deleted.`);
    await removeNamespace(tx, space);
  });
}

/** For whoever has decided already, a purge say. */
export async function removeNamespace(tx: Transaction, space: Namespace): Promise<void> {
  await deleteNamespaceRow(tx.sql, space.namespace);
  told(tx, "delete", space);
}

async function add(tx: Transaction, namespace: string, kind: ItemKind, given: Named): Promise<Item> {
  const name = given.name.slice(0, 255);
  const item = await insertItem(tx.sql, namespace, { kind, name, body: kind === "tag" ? {} : toBody(given) });
  if (item === null) throw duplicateItem(kind, name, namespace);
  return item;
}

async function changing<T>(
  request: Request,
  namespace: string,
  detail: JsonObject,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return transact(request.app, request.origin, async (tx) => {
    // the namespace's lock makes counting safe
    const space = await lockNamespace(tx.sql, namespace);
    if (space === null) throw missingNamespace(namespace);
    const value = await work(tx);
    if ((await countItems(tx.sql, namespace)) > MAX_ITEMS)
      throw tooLarge(`A namespace has at most ${MAX_ITEMS} definitions`);
    told(tx, "update", space, detail);
    return value;
  });
}

export const createItem = (request: Request, namespace: string, kind: ItemKind, given: Named): Promise<Item> =>
  changing(request, namespace, { [kind]: given.name }, (tx) => add(tx, namespace, kind, given));

/** A type that is associated already is associated anew. */
export const associate = (request: Request, namespace: string, given: Named): Promise<Item> =>
  changing(request, namespace, { resource_type: given.name }, async (tx) => {
    await deleteItems(tx.sql, namespace, "resource_type", given.name);
    return add(tx, namespace, "resource_type", given);
  });

export const replaceTags = (request: Request, namespace: string, tags: Named[], append: boolean): Promise<Item[]> =>
  changing(request, namespace, { tags: tags.length }, async (tx) => {
    if (!append) await deleteItems(tx.sql, namespace, "tag", null);
    const made: Item[] = [];
    for (const tag of tags) made.push(await add(tx, namespace, "tag", tag));
    return made;
  });

export const updateItem = (
  request: Request,
  namespace: string,
  kind: ItemKind,
  name: string,
  given: Named,
): Promise<Item> =>
  changing(request, namespace, { [kind]: name }, async (tx) => {
    const body = kind === "tag" ? {} : toBody(given);
    if (given.name !== name && (await findItem(tx.sql, namespace, kind, given.name)) !== null)
      throw duplicateItem(kind, given.name, namespace);
    const item = await updateItemRow(tx.sql, namespace, { kind, name }, { name: given.name, body });
    if (item === null) throw missingItem(kind, name, namespace);
    return item;
  });

/** `name` null: all of that kind. */
export const removeItems = (request: Request, namespace: string, kind: ItemKind, name: string | null): Promise<void> =>
  changing(request, namespace, { [kind]: name ?? "all" }, async (tx) => {
    const gone = await deleteItems(tx.sql, namespace, kind, name);
    if (gone === 0 && name !== null) throw missingItem(kind, name, namespace);
  });
