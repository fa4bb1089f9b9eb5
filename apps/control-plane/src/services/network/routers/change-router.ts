import { conflict } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { type HostRoute, readRoutes } from "../subnets/subnet.model.ts";
import { type GatewayWish, dropGatewayPort, planGateway } from "./gateway.ts";
import { type Router, checkNexthops, routerNotFound } from "./router.model.ts";
import {
  deleteRouterRow,
  findRouter,
  hasInterfaces,
  insertRouter,
  listLegs,
  listRouters,
  lockRouter,
  updateRouterRow,
} from "./router.queries.ts";

export type CreateRouter = Pick<
  Router,
  "projectId" | "name" | "description" | "adminStateUp" | "availabilityZoneHints"
> & {
  gateway: GatewayWish | undefined;
};
export type UpdateRouter = Partial<Pick<Router, "name" | "description" | "adminStateUp">> & {
  gateway?: GatewayWish;
  routes?: HostRoute[];
};

export const MAX_ROUTES = 30;
const admin: Requester = { projectId: "-", admin: true };

async function getFresh(sql: Queryable, id: string): Promise<Router> {
  const router = await findRouter(sql, admin, id);
  if (router === null) throw routerNotFound(id);
  return router;
}

export async function createRouter(tx: Transaction, requester: Requester, wanted: CreateRouter): Promise<Router> {
  const id = newUuid();
  await reserveQuota(tx.sql, wanted.projectId, { router: 1 });
  await insertRouter(tx.sql, { ...wanted, id });
  const router = await getFresh(tx.sql, id);
  tx.event({
    action: "network.router.create",
    target: { type: "router", id, projectId: wanted.projectId },
    detail: { name: wanted.name },
  });
  tx.enqueue(`router/${id}`);
  if (wanted.gateway === undefined || wanted.gateway === null) return router;
  const { leaving: _, ...gateway } = await planGateway(tx, requester, router, [], wanted.gateway);
  await updateRouterRow(tx.sql, id, { ...router, ...gateway });
  return getFresh(tx.sql, id);
}

export async function updateRouter(
  tx: Transaction,
  requester: Requester,
  id: string,
  wanted: UpdateRouter,
): Promise<Router> {
  const router = await lockRouter(tx.sql, requester, id);
  if (router === null) throw routerNotFound(id);
  const legs = await listLegs(tx.sql, id);
  const { leaving, ...gateway } = await planGateway(tx, requester, router, legs, wanted.gateway);
  if (wanted.routes !== undefined && wanted.routes.length > 0) {
    checkNexthops(wanted.routes, gateway.gatewayPortId === router.gatewayPortId ? legs : await listLegs(tx.sql, id));
  }
  await updateRouterRow(tx.sql, id, {
    name: wanted.name ?? router.name,
    description: wanted.description ?? router.description,
    adminStateUp: wanted.adminStateUp ?? router.adminStateUp,
    routes: wanted.routes ?? router.routes,
    ...gateway,
  });
  if (leaving !== null) await dropGatewayPort(tx, leaving);
  tx.event({ action: "network.router.update", target: { type: "router", id, projectId: router.projectId } });
  tx.enqueue(`router/${id}`);
  return getFresh(tx.sql, id);
}

/** Routes that are there already are not added twice, those that are not there not missed: as Neutron has it. */
export async function changeRoutes(
  tx: Transaction,
  requester: Requester,
  id: string,
  change: { add: readonly HostRoute[]; remove: readonly HostRoute[] },
): Promise<Router> {
  const router = await lockRouter(tx.sql, requester, id);
  if (router === null) throw routerNotFound(id);
  const same = (one: HostRoute) => (other: HostRoute) =>
    one.destination === other.destination && one.nexthop === other.nexthop;
  const staying = router.routes.filter((route) => !change.remove.some(same(route)));
  const added = change.add.filter((route) => !staying.some(same(route)));
  const routes = readRoutes([...staying, ...added], "routes", MAX_ROUTES);
  return updateRouter(tx, requester, id, { routes });
}

export async function deleteRouter(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const router = await lockRouter(tx.sql, requester, id);
  if (router === null) throw routerNotFound(id);
  if (await hasInterfaces(tx.sql, id)) throw conflict(`Router ${id} still has ports`, { type: "RouterInUse" });
  await deleteRouterRow(tx.sql, id);
  if (router.gatewayPortId !== null) await dropGatewayPort(tx, router.gatewayPortId);
  tx.event({ action: "network.router.delete", target: { type: "router", id, projectId: router.projectId } });
  tx.enqueue(`router/${id}`);
}

export const readRouters = (sql: Queryable, requester: Requester, request: ListRequest): Promise<Router[]> =>
  listRouters(sql, requester, request);

export async function readRouter(sql: Queryable, requester: Requester, id: string): Promise<Router> {
  const router = await findRouter(sql, requester, id);
  if (router === null) throw routerNotFound(id);
  return router;
}
