/** What the test that walks every route knows about routes: a concrete path, a body that passes, who owns what. */
import type { Route, Service } from "../http/service.ts";
import { schemaAt } from "../http/validation.ts";
import { sampleOf } from "./sample-body.ts";

export type WalkedRoute = { service: Service; row: Route; name: string; version: number };

export function walkRoutes(services: Service[]): WalkedRoute[] {
  return services.flatMap((service) =>
    service.routes.map((row) => ({
      service,
      row,
      name: `${row.method} ${service.mount}${row.path}`,
      version: Math.min(row.until ?? Infinity, Math.max(row.since ?? 0, service.microversions?.default ?? 0)),
    })),
  );
}

/** Collections of two services that are called alike, by their parameter. */
const COLLECTIONS: { [parameter: string]: string } = { ":volume_group_id": "volume_groups" };
const collectionOf = (parts: string[], index: number): string =>
  COLLECTIONS[parts[index] ?? ""] ?? parts[index - 1] ?? "";

/** The parameters of a path with the static part before each: `/v2/images/:id/tags/:tag` -> images, tags. */
export function parametersOf(path: string): { name: string; collection: string }[] {
  const parts = path.split("/");
  return parts.flatMap((part, index) =>
    part.startsWith(":") ? [{ name: part.slice(1), collection: collectionOf(parts, index) }] : [],
  );
}

/** Fills each parameter with what `value` says for its collection. */
export function fillPath(mount: string, path: string, value: (collection: string) => string): string {
  const parts = path.split("/");
  return (
    mount + parts.map((part, index) => (part.startsWith(":") ? value(collectionOf(parts, index)) : part)).join("/")
  );
}

/** Headers that ask for the microversion at which the row is served, and say what the body is. */
export function headersOf({ service, row, version }: WalkedRoute): { [name: string]: string } {
  const versions = service.microversions;
  return {
    ...(versions === undefined
      ? {}
      : { "openstack-api-version": `${versions.serviceType} ${versions.major}.${version}` }),
    ...(row.body === undefined ? {} : { "content-type": contentType(service.name, row) }),
  };
}

function contentType(service: string, row: Route): string {
  if (row.body === "stream") return "application/octet-stream";
  return service === "image" && row.method === "PATCH"
    ? "application/openstack-images-v2.1-json-patch"
    : "application/json";
}

const ATTACHMENT = { volumeAttachment: { volumeId: "7f3c2b1e-0d5a-4f6b-9c8d-1a2b3c4d5e6f" } };

/** Bodies that a schema alone does not tell: keyed by `METHOD /mount/path`. */
const BODIES: { [route: string]: unknown } = {
  "POST /compute/v2.1/servers/:server_id/action": { "os-stop": null },
  "POST /compute/v2.1/os-volumes_boot/:server_id/action": { "os-stop": null },
  "POST /compute/v2.1/servers/:server_id/os-volume_attachments": ATTACHMENT,
  "PUT /compute/v2.1/servers/:server_id/os-volume_attachments/:volume_id": ATTACHMENT,
  "PUT /compute/v2.1/images/:image_id/metadata/:key": { meta: { "a-key": "value" } },
  "PUT /compute/v2.1/servers/:server_id/metadata/:key": { meta: { "a-key": "value" } },
  "PUT /identity/v3/regions/:region_id": { region: { id: "samples" } },
  "POST /volume/v3/volumes/:volume_id/action": { "os-show_image_metadata": null },
  "POST /volume/v3/snapshots/:snapshot_id/action": { "os-update_snapshot_status": { status: "available" } },
  "PUT /volume/v3/attachments/:attachment_id": { attachment: { connector: { host: "somewhere" } } },
  "POST /volume/v3/attachments/:attachment_id/action": { "os-complete": null },
  "PUT /volume/v3/volumes/:volume_id/metadata/:key": { meta: { "a-key": "value" } },
  "PUT /volume/v3/snapshots/:snapshot_id/metadata/:key": { meta: { "a-key": "value" } },
  "PUT /volume/v3/types/:type_id/extra_specs/:key": { "a:key": "value" },
  "PUT /volume/v3/group_types/:group_type_id/group_specs/:key": { "a:key": "value" },
  "PUT /volume/v3/groups/:volume_group_id": { group: { name: "changed" } },
  "POST /volume/v3/groups/:volume_group_id/action": { delete: { "delete-volumes": false } },
  "POST /volume/v3/group_snapshots/:group_snapshot_id/action": { reset_status: { status: "available" } },
  "POST /image/v2/images/:image_id/import": { method: { name: "glance-direct" } },
  "PATCH /image/v2/images/:image_id": [{ op: "replace", path: "/name", value: "other" }],
};

/** A body that passes the route's schema; undefined where it takes none. */
export function bodyOf({ row, name, version }: WalkedRoute): unknown {
  if (row.body === undefined || row.body === "stream") return undefined;
  return BODIES[name] ?? sampleOf(schemaAt(row.body, version));
}
