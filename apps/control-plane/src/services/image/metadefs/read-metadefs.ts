import { notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { missingNamespace } from "./change-metadefs.ts";
import type { Item, ItemKind, Namespace } from "./metadef.model.ts";
import { findItem, findNamespace, listItems, listNamespaces, listResourceTypes } from "./metadef.queries.ts";

export async function readNamespace(request: ApiRequest, name: string): Promise<Namespace> {
  const space = await findNamespace(request.app.db, request, name);
  if (space === null) throw missingNamespace(name);
  return space;
}

export async function readWhole(request: ApiRequest, name: string): Promise<{ space: Namespace; items: Item[] }> {
  const space = await readNamespace(request, name);
  return { space, items: await listItems(request.app.db, [name], null) };
}

export async function readNamespaces(
  request: ApiRequest,
  page: { limit: number; marker: string | undefined },
): Promise<{ space: Namespace; items: Item[] }[]> {
  const { app, query } = request;
  const types = query.get("resource_types");
  const spaces = await listNamespaces(app.db, request, {
    visibility: query.get("visibility"),
    resourceTypes: types === undefined ? undefined : types.split(","),
    ...page,
  });
  const items = await listItems(
    app.db,
    spaces.map((space) => space.namespace),
    "resource_type",
  );
  return spaces.map((space) => ({ space, items: items.filter((item) => item.namespace === space.namespace) }));
}

export async function readItems(request: ApiRequest, namespace: string, kind: ItemKind): Promise<Item[]> {
  await readNamespace(request, namespace);
  return listItems(request.app.db, [namespace], kind);
}

export async function readItem(request: ApiRequest, namespace: string, kind: ItemKind, name: string): Promise<Item> {
  await readNamespace(request, namespace);
  const item = await findItem(request.app.db, namespace, kind, name);
  if (item === null)
    throw notFound(`The metadata definition ${kind} with name=${name} was not found in namespace=${namespace}.`);
  return item;
}

export const readResourceTypes = (request: ApiRequest) => listResourceTypes(request.app.db);
