import { type Route, ok, route } from "../../../http/service.ts";
import { metadefDocuments } from "./metadef.documents.ts";
import * as metadefs from "./metadef.handlers.ts";
import { itemSchema, namespaceSchema, tagsSchema } from "./metadef.schema.ts";
import { toItemView, toPropertyView } from "./metadef.view.ts";

const all = "/v2/metadefs/namespaces";
const one = `${all}/:namespace`;
const read = "get_metadef";
const write = "modify_metadef";

const objects = metadefs.itemHandlers("object", toItemView);
const properties = metadefs.itemHandlers("property", (_namespace, item) => toPropertyView(item));
const tags = metadefs.itemHandlers("tag", toItemView);
const types = metadefs.itemHandlers("resource_type", toItemView);

/** What one thing in a namespace can be asked and told. */
const itemRoutes = (path: string, handlers: ReturnType<typeof metadefs.itemHandlers>): Route[] => [
  route({ method: "GET", path: `${path}/:name`, rule: read, handler: handlers.show }),
  route({ method: "PUT", path: `${path}/:name`, rule: write, body: itemSchema, handler: handlers.update }),
  route({ method: "DELETE", path: `${path}/:name`, rule: write, handler: handlers.remove }),
  route({ method: "DELETE", path, rule: write, handler: handlers.removeAll }),
];

const documents = Object.entries(metadefDocuments).map(([name, document]) =>
  route({ method: "GET", path: `/v2/schemas/metadefs/${name}`, rule: "get_schemas", handler: () => ok(document) }),
);

export const metadefRoutes: Route[] = [
  ...documents,
  route({ method: "GET", path: "/v2/metadefs/resource_types", rule: read, handler: metadefs.listTypes }),
  route({ method: "GET", path: all, rule: read, handler: metadefs.listNamespaces }),
  route({ method: "POST", path: all, rule: write, body: namespaceSchema, handler: metadefs.createOne }),
  route({ method: "GET", path: one, rule: read, handler: metadefs.showNamespace }),
  route({ method: "PUT", path: one, rule: write, body: namespaceSchema, handler: metadefs.changeNamespace }),
  route({ method: "DELETE", path: one, rule: write, handler: metadefs.removeNamespace }),
  route({ method: "GET", path: `${one}/objects`, rule: read, handler: metadefs.listObjects }),
  route({ method: "POST", path: `${one}/objects`, rule: write, body: itemSchema, handler: objects.create }),
  ...itemRoutes(`${one}/objects`, objects),
  route({ method: "GET", path: `${one}/properties`, rule: read, handler: metadefs.listProperties }),
  route({ method: "POST", path: `${one}/properties`, rule: write, body: itemSchema, handler: properties.create }),
  ...itemRoutes(`${one}/properties`, properties),
  route({ method: "GET", path: `${one}/tags`, rule: read, handler: metadefs.listTags }),
  route({ method: "POST", path: `${one}/tags`, rule: write, body: tagsSchema, handler: metadefs.putTags }),
  route({ method: "POST", path: `${one}/tags/:name`, rule: write, handler: metadefs.createTag }),
  ...itemRoutes(`${one}/tags`, tags),
  route({ method: "GET", path: `${one}/resource_types`, rule: read, handler: metadefs.listAssociations }),
  route({
    method: "POST",
    path: `${one}/resource_types`,
    rule: write,
    body: itemSchema,
    handler: metadefs.createAssociation,
  }),
  route({ method: "DELETE", path: `${one}/resource_types/:name`, rule: write, handler: types.remove }),
];
