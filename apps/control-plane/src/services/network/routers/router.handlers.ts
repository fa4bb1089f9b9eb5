import { invalid, notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { type Requester, ownerOf, requesterOf, requireAdminFor } from "../common/requester.ts";
import { type WireBoolean, pickFields, toBoolean } from "../common/wire.ts";
import { ZONE } from "../networks/network.view.ts";
import type { FixedIpWire } from "../ports/fixed-ips.plan.ts";
import { type HostRoute, readRoutes } from "../subnets/subnet.model.ts";
import {
  type CreateRouter,
  MAX_ROUTES,
  changeRoutes,
  createRouter,
  deleteRouter,
  readRouter,
  readRouters,
  updateRouter,
} from "./change-router.ts";
import type { GatewayWish } from "./gateway.ts";
import { addInterface, removeInterface } from "./router-interface.ts";
import { routerAttributes } from "./router.schema.ts";
import { toInterfaceView, toRouterView } from "./router.view.ts";

type GatewayWire = {
  network_id?: string;
  enable_snat?: WireBoolean;
  external_fixed_ips?: FixedIpWire[];
  qos_policy_id?: string | null;
} | null;
type Wire = {
  name?: string;
  description?: string;
  admin_state_up?: WireBoolean;
  external_gateway_info?: GatewayWire;
  routes?: HostRoute[] | null;
  availability_zone_hints?: string[];
  project_id?: string;
  tenant_id?: string;
};

export async function listRouters(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const list = readListRequest(request.query, routerAttributes);
  const routers = await readRouters(request.app.db, requester, list);
  return listReply(
    request,
    list,
    "routers",
    routers.map((router) => toRouterView(router, requester.admin)),
  );
}

export async function showRouter(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const router = await readRouter(request.app.db, requester, request.params["id"] ?? "");
  return ok({ router: pickFields(toRouterView(router, requester.admin), request.query.all("fields")) });
}

/** `{}` and null take the gateway away; which addresses it has and whether it translates is the operator's word. */
function readGateway(requester: Requester, action: string, wire: GatewayWire | undefined): GatewayWish | undefined {
  if (wire === undefined) return undefined;
  if (wire === null || Object.keys(wire).length === 0) return null;
  if (wire.network_id === undefined)
    throw invalid("Invalid input for external_gateway_info. Reason: network_id is required.");
  requireAdminFor(requester, `${action}:external_gateway_info`, wire, ["enable_snat", "external_fixed_ips"]);
  return {
    networkId: wire.network_id,
    enableSnat: wire.enable_snat === undefined ? undefined : toBoolean(wire.enable_snat),
    qosPolicyId: wire.qos_policy_id,
    fixedIps:
      wire.external_fixed_ips === undefined || wire.external_fixed_ips.length === 0
        ? undefined
        : wire.external_fixed_ips,
  };
}

function toRouter(requester: Requester, wire: Wire): CreateRouter {
  const unknown = (wire.availability_zone_hints ?? []).find((zone) => zone !== ZONE);
  if (unknown !== undefined)
    throw notFound(`AvailabilityZone ${unknown} could not be found.`, { type: "AvailabilityZoneNotFound" });
  return {
    projectId: ownerOf(requester, wire),
    name: wire.name ?? "",
    description: wire.description ?? "",
    adminStateUp: toBoolean(wire.admin_state_up ?? true),
    availabilityZoneHints: wire.availability_zone_hints ?? [],
    gateway: readGateway(requester, "create_router", wire.external_gateway_info),
  };
}

export async function createRouterHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "router", "routers", {
    read: (wire: Wire) => toRouter(requester, wire),
    create: (tx, wanted) => createRouter(tx, requester, wanted),
    view: (router) => toRouterView(router, requester.admin),
  });
}

export async function updateRouterHandler(request: ApiRequest<{ router: Wire }>): Promise<Reply> {
  const requester = requesterOf(request);
  const wire = request.body.router;
  const gateway = readGateway(requester, "update_router", wire.external_gateway_info);
  const change = {
    ...(wire.name === undefined ? {} : { name: wire.name }),
    ...(wire.description === undefined ? {} : { description: wire.description }),
    ...(wire.admin_state_up === undefined ? {} : { adminStateUp: toBoolean(wire.admin_state_up) }),
    ...(wire.routes === undefined ? {} : { routes: readRoutes(wire.routes ?? [], "routes", MAX_ROUTES) }),
    ...(gateway === undefined ? {} : { gateway }),
  };
  const router = await mutate(request, (tx) => updateRouter(tx, requester, request.params["id"] ?? "", change));
  return ok({ router: toRouterView(router, requester.admin) });
}

export async function deleteRouterHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteRouter(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}

type RoutesBody = { router: { routes: HostRoute[] | null } };
const routesOf = (request: ApiRequest<RoutesBody>): HostRoute[] =>
  readRoutes(request.body.router.routes ?? [], "routes", MAX_ROUTES);

export async function addExtraRoutes(request: ApiRequest<RoutesBody>): Promise<Reply> {
  const requester = requesterOf(request);
  const routes = { add: routesOf(request), remove: [] };
  const router = await mutate(request, (tx) => changeRoutes(tx, requester, request.params["id"] ?? "", routes));
  return ok({ router: toRouterView(router, requester.admin) });
}

export async function removeExtraRoutes(request: ApiRequest<RoutesBody>): Promise<Reply> {
  const requester = requesterOf(request);
  const routes = { add: [], remove: routesOf(request) };
  const router = await mutate(request, (tx) => changeRoutes(tx, requester, request.params["id"] ?? "", routes));
  return ok({ router: toRouterView(router, requester.admin) });
}

type InterfaceWire = { subnet_id?: string; port_id?: string };
const toWish = (wire: InterfaceWire) => ({ subnetId: wire.subnet_id, portId: wire.port_id });

export async function addRouterInterface(request: ApiRequest<InterfaceWire>): Promise<Reply> {
  const wish = toWish(request.body);
  return ok(
    toInterfaceView(
      await mutate(request, (tx) => addInterface(tx, requesterOf(request), request.params["id"] ?? "", wish)),
    ),
  );
}

export async function removeRouterInterface(request: ApiRequest<InterfaceWire>): Promise<Reply> {
  const wish = toWish(request.body);
  return ok(
    toInterfaceView(
      await mutate(request, (tx) => removeInterface(tx, requesterOf(request), request.params["id"] ?? "", wish)),
    ),
  );
}
