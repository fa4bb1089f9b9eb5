/**
 * What Nova once had and took away: it answers 410 Gone, at every microversion, to whoever is signed in
 * (nova/api/openstack/compute/{agents,cells,certificates,cloudpipe,...}.py).
 */
import { CloudError } from "@andromede/base/errors";

import { type Method, type Route, route } from "../../../http/service.ts";

const GONE: readonly (readonly [path: string, methods: readonly Method[]])[] = [
  ["/os-agents", ["GET", "POST"]],
  ["/os-agents/:id", ["PUT", "DELETE"]],
  ["/os-cells", ["GET", "POST"]],
  ["/os-cells/capacities", ["GET"]],
  ["/os-cells/detail", ["GET"]],
  ["/os-cells/info", ["GET"]],
  ["/os-cells/sync_instances", ["POST"]],
  ["/os-cells/:id", ["GET", "PUT", "DELETE"]],
  ["/os-cells/:id/capacities", ["GET"]],
  ["/os-certificates", ["POST"]],
  ["/os-certificates/:id", ["GET"]],
  ["/os-cloudpipe", ["GET", "POST"]],
  ["/os-cloudpipe/:id", ["PUT"]],
  ["/os-fixed-ips/:id", ["GET"]],
  ["/os-fixed-ips/:id/action", ["POST"]],
  ["/os-floating-ip-dns", ["GET"]],
  ["/os-floating-ip-dns/:id", ["PUT", "DELETE"]],
  ["/os-floating-ip-dns/:domain/entries/:id", ["GET", "PUT", "DELETE"]],
  ["/os-floating-ips-bulk", ["GET", "POST"]],
  ["/os-floating-ips-bulk/:id", ["GET", "PUT"]],
  ["/os-fping", ["GET"]],
  ["/os-fping/:id", ["GET"]],
  ["/os-networks", ["POST"]],
  ["/os-networks/add", ["POST"]],
  ["/os-networks/:network_id", ["DELETE"]],
  ["/os-networks/:network_id/action", ["POST"]],
  ["/os-security-group-default-rules", ["GET", "POST"]],
  ["/os-security-group-default-rules/:id", ["GET", "DELETE"]],
  ["/os-tenant-networks", ["POST"]],
  ["/os-tenant-networks/:network_id", ["DELETE"]],
  ["/servers/:server_id/consoles", ["GET", "POST"]],
  ["/servers/:server_id/consoles/:id", ["GET", "DELETE"]],
  ["/servers/:server_id/os-virtual-interfaces", ["GET"]],
];

function gone(): never {
  throw new CloudError("notFound", "This resource is no longer available. No forwarding address is given.", {
    status: 410,
  });
}

export const goneRoutes: Route[] = GONE.flatMap(([path, methods]) =>
  methods.map((method) => route({ method, path: `/v2.1${path}`, rule: "os_compute_api:gone", handler: gone })),
);
