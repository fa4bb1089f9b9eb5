import { type Route, route } from "../../../http/service.ts";
import { serverRoutes } from "../servers/server.routes.ts";
import {
  deleteSnapshotProxy,
  deleteVolumeProxy,
  listSnapshotProxies,
  listVolumeProxies,
  postSnapshotProxy,
  postVolumeProxy,
  showSnapshotProxy,
  showVolumeProxy,
} from "./volume-proxy.handlers.ts";
import { snapshotProxySchema, volumeProxySchema } from "./volume-proxy.schema.ts";

const VOLUMES = "/v2.1/os-volumes";
const SNAPSHOTS = "/v2.1/os-snapshots";
/** Microversion 2.36 took Nova's doors to other services away. */
const until = 35;
const rule = (name: string): string => `os_compute_api:os-volumes:${name}`;

/** `os-volumes_boot` is `servers` under another name. */
const BOOT = ["/v2.1/servers", "/v2.1/servers/detail", "/v2.1/servers/:server_id", "/v2.1/servers/:server_id/action"];
const bootRoutes: Route[] = serverRoutes
  .filter((row) => BOOT.includes(row.path))
  .map((row) => ({ ...row, path: row.path.replace("/servers", "/os-volumes_boot") }));

export const volumeProxyRoutes: Route[] = [
  route({ method: "GET", path: VOLUMES, until, rule: rule("list"), handler: listVolumeProxies }),
  route({ method: "GET", path: `${VOLUMES}/detail`, until, rule: rule("detail"), handler: listVolumeProxies }),
  route({
    method: "POST",
    path: VOLUMES,
    until,
    rule: rule("create"),
    body: volumeProxySchema,
    handler: postVolumeProxy,
  }),
  route({ method: "GET", path: `${VOLUMES}/:volume_id`, until, rule: rule("show"), handler: showVolumeProxy }),
  route({ method: "DELETE", path: `${VOLUMES}/:volume_id`, until, rule: rule("delete"), handler: deleteVolumeProxy }),
  route({ method: "GET", path: SNAPSHOTS, until, rule: rule("snapshots:list"), handler: listSnapshotProxies }),
  route({
    method: "GET",
    path: `${SNAPSHOTS}/detail`,
    until,
    rule: rule("snapshots:detail"),
    handler: listSnapshotProxies,
  }),
  route({
    method: "POST",
    path: SNAPSHOTS,
    until,
    rule: rule("snapshots:create"),
    body: snapshotProxySchema,
    handler: postSnapshotProxy,
  }),
  route({
    method: "GET",
    path: `${SNAPSHOTS}/:snapshot_id`,
    until,
    rule: rule("snapshots:show"),
    handler: showSnapshotProxy,
  }),
  route({
    method: "DELETE",
    path: `${SNAPSHOTS}/:snapshot_id`,
    until,
    rule: rule("snapshots:delete"),
    handler: deleteSnapshotProxy,
  }),
  ...bootRoutes,
];
