import type { JsonObject } from "@andromede/base/json";

import { toTime } from "../images/image.view.ts";
import type { Item, ItemKind, Namespace } from "./metadef.model.ts";

const times = (thing: { createdAt: Date; updatedAt: Date }) => ({
  created_at: toTime(thing.createdAt),
  updated_at: toTime(thing.updatedAt),
});

export const toAssociationView = (item: Item) => ({ ...item.body, name: item.name, ...times(item) });

export const toPropertyView = (item: Item): JsonObject => ({ ...item.body, name: item.name });

/** An object or a tag. */
export const toItemView = (namespace: string, item: Item) => ({
  ...item.body,
  name: item.name,
  ...times(item),
  ...(item.kind === "object"
    ? { self: `/v2/metadefs/namespaces/${namespace}/objects/${item.name}`, schema: "/v2/schemas/metadefs/object" }
    : {}),
});

export function toNamespaceView(space: Namespace, items: Item[], options: { whole: boolean }) {
  const of = (kind: ItemKind): Item[] => items.filter((item) => item.kind === kind);
  const part = <Value>(kind: ItemKind, member: string, view: (found: Item[]) => Value) =>
    options.whole && of(kind).length > 0 ? { [member]: view(of(kind)) } : {};
  return {
    namespace: space.namespace,
    ...(space.displayName === null ? {} : { display_name: space.displayName }),
    ...(space.description === null ? {} : { description: space.description }),
    visibility: space.visibility,
    protected: space.protected,
    owner: space.projectId,
    ...times(space),
    self: `/v2/metadefs/namespaces/${space.namespace}`,
    schema: "/v2/schemas/metadefs/namespace",
    ...(of("resource_type").length === 0
      ? {}
      : { resource_type_associations: of("resource_type").map(toAssociationView) }),
    ...part("object", "objects", (found) => found.map((item) => toItemView(space.namespace, item))),
    ...part("property", "properties", (found) =>
      Object.fromEntries(found.map((item) => [item.name, item.body] as const)),
    ),
    ...part("tag", "tags", (found) => found.map(({ name }) => ({ name }))),
  };
}
