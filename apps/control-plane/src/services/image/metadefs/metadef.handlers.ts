import { nextPageQuery, readPaging } from "../../../http/paging.ts";
import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { toTime } from "../images/image.view.ts";
import {
  type NamespaceBody,
  associate,
  createItem,
  createNamespace,
  deleteNamespace,
  removeItems,
  replaceTags,
  updateItem,
  updateNamespace,
} from "./change-metadefs.ts";
import type { Item, ItemKind } from "./metadef.model.ts";
import { toAssociationView, toItemView, toNamespaceView, toPropertyView } from "./metadef.view.ts";
import { readItem, readItems, readNamespaces, readResourceTypes, readWhole } from "./read-metadefs.ts";

type Named = { name: string };
const PAGE = { usual: 25, most: 1000 };
const spaceOf = (request: Pick<ApiRequest, "params">): string => request.params["namespace"] ?? "";
const nameOf = (request: Pick<ApiRequest, "params">): string => request.params["name"] ?? "";
const base = "/v2/metadefs/namespaces";

export async function listNamespaces(request: ApiRequest): Promise<Reply> {
  const { limit, marker } = readPaging(request.query, { maxLimit: PAGE.most });
  const size = request.query.has("limit") ? limit : PAGE.usual;
  const found = await readNamespaces(request, { limit: size, marker });
  const last = found.length === size ? found.at(-1) : undefined;
  return ok({
    namespaces: found.map(({ space, items }) => toNamespaceView(space, items, { whole: false })),
    first: base,
    schema: "/v2/schemas/metadefs/namespaces",
    ...(last === undefined ? {} : { next: `${base}?${nextPageQuery(request.query, last.space.namespace)}` }),
  });
}

async function whole(request: ApiRequest, name: string): Promise<object> {
  const { space, items } = await readWhole(request, name);
  return toNamespaceView(space, items, { whole: true });
}

export async function createOne(request: ApiRequest<NamespaceBody>): Promise<Reply> {
  const { namespace } = await createNamespace(request, request.body);
  return created(await whole(request, namespace), {
    location: `${request.baseUrl}/image${base}/${encodeURIComponent(namespace)}`,
  });
}

export const showNamespace = async (request: ApiRequest): Promise<Reply> => ok(await whole(request, spaceOf(request)));

export async function changeNamespace(request: ApiRequest<NamespaceBody>): Promise<Reply> {
  const space = await updateNamespace(request, spaceOf(request), request.body);
  return ok(toNamespaceView(space, [], { whole: false }));
}

export async function removeNamespace(request: ApiRequest): Promise<Reply> {
  await deleteNamespace(request, spaceOf(request));
  return noContent();
}

/** The routes that objects, properties and tags share. */
export function itemHandlers(kind: ItemKind, view: (namespace: string, item: Item) => object) {
  return {
    create: async (request: ApiRequest<Named>): Promise<Reply> =>
      created(view(spaceOf(request), await createItem(request, spaceOf(request), kind, request.body))),
    show: async (request: ApiRequest): Promise<Reply> =>
      ok(view(spaceOf(request), await readItem(request, spaceOf(request), kind, nameOf(request)))),
    update: async (request: ApiRequest<Named>): Promise<Reply> =>
      ok(view(spaceOf(request), await updateItem(request, spaceOf(request), kind, nameOf(request), request.body))),
    remove: async (request: ApiRequest): Promise<Reply> => {
      await removeItems(request, spaceOf(request), kind, nameOf(request));
      return noContent();
    },
    removeAll: async (request: ApiRequest): Promise<Reply> => {
      await removeItems(request, spaceOf(request), kind, null);
      return noContent();
    },
  };
}

export async function listObjects(request: ApiRequest): Promise<Reply> {
  const found = await readItems(request, spaceOf(request), "object");
  return ok({
    objects: found.map((item) => toItemView(spaceOf(request), item)),
    first: `${base}/${spaceOf(request)}/objects`,
    schema: "/v2/schemas/metadefs/objects",
  });
}

export async function listProperties(request: ApiRequest): Promise<Reply> {
  const found = await readItems(request, spaceOf(request), "property");
  return ok({ properties: Object.fromEntries(found.map((item) => [item.name, toPropertyView(item)] as const)) });
}

const tagsBody = (namespace: string, tags: Item[]) => ({
  tags: tags.map(({ name }) => ({ name })),
  first: `${base}/${namespace}/tags`,
  schema: "/v2/schemas/metadefs/tags",
});

export const listTags = async (request: ApiRequest): Promise<Reply> =>
  ok(tagsBody(spaceOf(request), await readItems(request, spaceOf(request), "tag")));

export async function putTags(request: ApiRequest<{ tags: Named[] }>): Promise<Reply> {
  const append = String(request.headers["x-openstack-append"] ?? "").toLowerCase() === "true";
  return created(tagsBody(spaceOf(request), await replaceTags(request, spaceOf(request), request.body.tags, append)));
}

/** `POST .../tags/{name}`: the name is all there is to a tag. */
export async function createTag(request: ApiRequest): Promise<Reply> {
  const item = await createItem(request, spaceOf(request), "tag", { name: nameOf(request) });
  return created(toItemView(spaceOf(request), item));
}

export async function listTypes(request: ApiRequest): Promise<Reply> {
  const found = await readResourceTypes(request);
  return ok({
    resource_types: found.map((type) => ({
      name: type.name,
      created_at: toTime(type.createdAt),
      updated_at: toTime(type.updatedAt),
    })),
  });
}

export async function listAssociations(request: ApiRequest): Promise<Reply> {
  const found = await readItems(request, spaceOf(request), "resource_type");
  return ok({ resource_type_associations: found.map(toAssociationView) });
}

export async function createAssociation(request: ApiRequest<Named>): Promise<Reply> {
  return created(toAssociationView(await associate(request, spaceOf(request), request.body)));
}
