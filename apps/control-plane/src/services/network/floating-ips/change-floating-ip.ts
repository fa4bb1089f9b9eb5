import { invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { isVisible, networkNotFound } from "../networks/network.model.ts";
import { findNetwork } from "../networks/network.queries.ts";
import { noAddressLeft } from "../ports/fixed-ips.plan.ts";
import { freeMac } from "../ports/mac.ts";
import { makePort } from "../ports/make-port.ts";
import { OWNER, portNotFound } from "../ports/port.model.ts";
import { floatingIpForwards } from "../port-forwardings/port-forwarding.model.ts";
import { listForwardingsOf } from "../port-forwardings/port-forwarding.queries.ts";
import { deletePortRow, lockVisiblePort } from "../ports/port.queries.ts";
import { changePolicy, checkPolicy } from "../qos/use-policy.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { findRouterBetween } from "../routers/router.queries.ts";
import { listSubnetsOfNetwork } from "../subnets/subnet.queries.ts";
import {
  type FloatingIp,
  type FloatingIpWithPort,
  alreadyAssociated,
  chooseFixedIp,
  floatingIpNotFound,
  notReachable,
} from "./floating-ip.model.ts";
import {
  deleteFloatingIpRow,
  findFloatingIp,
  findFloatingIpAt,
  insertFloatingIp,
  listFloatingIps,
  lockFloatingIp,
  updateFloatingIpRow,
} from "./floating-ip.queries.ts";

export type CreateFloatingIp = {
  projectId: string;
  floatingNetworkId: string;
  floatingIpAddress: string | undefined;
  subnetId: string | undefined;
  portId: string | undefined;
  fixedIpAddress: string | undefined;
  description: string;
  dnsName: string;
  dnsDomain: string;
  qosPolicyId?: string | null;
};
/** A port id of null takes it off; undefined leaves it where it is. */
export type UpdateFloatingIp = {
  portId?: string | null;
  fixedIpAddress?: string;
  description?: string;
  qosPolicyId?: string | null;
};

const everyone: Requester = { projectId: "-", admin: true };

export async function createFloatingIp(
  tx: Transaction,
  requester: Requester,
  wanted: CreateFloatingIp,
): Promise<FloatingIpWithPort> {
  const id = newUuid();
  const [, network, subnets, macAddress] = await Promise.all([
    reserveQuota(tx.sql, wanted.projectId, { floatingip: 1 }),
    findNetwork(tx.sql, wanted.floatingNetworkId),
    listSubnetsOfNetwork(tx.sql, wanted.floatingNetworkId),
    freeMac(tx.sql, wanted.floatingNetworkId),
  ]);
  if (network === null || !isVisible(network, requester)) throw networkNotFound(wanted.floatingNetworkId);
  if (!network.external) {
    throw invalid(`Bad floatingip request: Network ${network.id} is not a valid external network.`, {
      type: "BadRequest",
    });
  }
  const ofVersion4 = subnets.filter((subnet) => subnet.ipVersion === 4);
  if (ofVersion4.length === 0) throw noAddressLeft(network.id);
  const asked = {
    ...(wanted.subnetId === undefined ? {} : { subnet_id: wanted.subnetId }),
    ...(wanted.floatingIpAddress === undefined ? {} : { ip_address: wanted.floatingIpAddress }),
  };
  const port = await makePort(tx, {
    projectId: "",
    network,
    subnets: ofVersion4,
    requested: Object.keys(asked).length === 0 ? undefined : [asked],
    macAddress,
    deviceId: id,
    deviceOwner: OWNER.floatingIp,
    portSecurityEnabled: false,
  });
  await checkPolicy(tx, requester, wanted.qosPolicyId ?? null);
  const floatingIp = await insertFloatingIp(tx.sql, {
    ...wanted,
    qosPolicyId: wanted.qosPolicyId ?? null,
    id,
    floatingIpAddress: port.fixedIps[0]?.ip_address ?? "",
    floatingPortId: port.id,
  });
  tx.event({
    action: "network.floatingip.create",
    target: { type: "floatingip", id, projectId: wanted.projectId },
    detail: { address: floatingIp.floatingIpAddress },
  });
  tx.enqueue(`floatingip/${id}`);
  if (wanted.portId === undefined) {
    if (wanted.fixedIpAddress !== undefined)
      throw invalid("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.", {
        type: "BadRequest",
      });
    return { ...floatingIp, portDetails: null, forwardings: [] };
  }
  await updateFloatingIpRow(tx.sql, id, {
    ...floatingIp,
    ...(await associate(tx, requester, floatingIp, wanted.portId, wanted.fixedIpAddress)),
  });
  return readFloatingIp(tx.sql, everyone, id);
}

async function associate(
  tx: Transaction,
  requester: Requester,
  floatingIp: FloatingIp,
  portId: string,
  wanted: string | undefined,
): Promise<Pick<FloatingIp, "portId" | "fixedIpAddress" | "routerId">> {
  const port = await lockVisiblePort(tx.sql, requester, portId);
  if (port === null) throw portNotFound(portId);
  const fixed = chooseFixedIp(port, floatingIp, wanted);
  const [routerId, holder] = await Promise.all([
    findRouterBetween(tx.sql, fixed.subnet_id, floatingIp.floatingNetworkId),
    findFloatingIpAt(tx.sql, floatingIp.floatingNetworkId, portId, fixed.ip_address),
  ]);
  if (holder !== null && holder !== floatingIp.id) throw alreadyAssociated(floatingIp, portId, fixed.ip_address);
  if (routerId === null) throw notReachable(floatingIp.floatingNetworkId, fixed.subnet_id, portId);
  return { portId, fixedIpAddress: fixed.ip_address, routerId };
}

export async function updateFloatingIp(
  tx: Transaction,
  requester: Requester,
  id: string,
  wanted: UpdateFloatingIp,
): Promise<FloatingIpWithPort> {
  const seen = await findFloatingIp(tx.sql, requester, id);
  if (seen === null) throw floatingIpNotFound(id);
  const description = wanted.description ?? seen.description;
  const place = await placeOf(tx, requester, seen, wanted);
  const qosPolicyId = await changePolicy(tx, requester, seen.qosPolicyId, wanted.qosPolicyId);
  // ports before floating IPs: the order of locks
  if ((await lockFloatingIp(tx.sql, requester, id)) === null) throw floatingIpNotFound(id);
  const forwards = (await listForwardingsOf(tx.sql, [id])).length > 0;
  if (forwards && place.portId !== null) throw floatingIpForwards(id);
  // taken off a port that it is not on, it stays where it forwards
  if (forwards) place.routerId = seen.routerId;
  await updateFloatingIpRow(tx.sql, id, { description, qosPolicyId, ...place });
  tx.event({
    action: "network.floatingip.update",
    target: { type: "floatingip", id, projectId: seen.projectId },
    detail: { portId: place.portId },
  });
  tx.enqueue(`floatingip/${id}`);
  return readFloatingIp(tx.sql, everyone, id);
}

async function placeOf(
  tx: Transaction,
  requester: Requester,
  seen: FloatingIp,
  wanted: UpdateFloatingIp,
): Promise<Pick<FloatingIp, "portId" | "fixedIpAddress" | "routerId">> {
  if (wanted.portId === null || wanted.portId === "") {
    if (wanted.fixedIpAddress !== undefined)
      throw invalid("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.", {
        type: "BadRequest",
      });
    return { portId: null, fixedIpAddress: null, routerId: null };
  }
  const portId = wanted.portId ?? (wanted.fixedIpAddress === undefined ? null : seen.portId);
  if (portId === null && wanted.fixedIpAddress !== undefined) {
    throw invalid("Bad floatingip request: fixed_ip_address cannot be specified without a port_id.", {
      type: "BadRequest",
    });
  }
  if (portId === null) return { portId: seen.portId, fixedIpAddress: seen.fixedIpAddress, routerId: seen.routerId };
  return associate(tx, requester, seen, portId, wanted.fixedIpAddress);
}

export async function deleteFloatingIp(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const floatingIp = await lockFloatingIp(tx.sql, requester, id);
  if (floatingIp === null) throw floatingIpNotFound(id);
  if ((await listForwardingsOf(tx.sql, [id])).length > 0) throw floatingIpForwards(id);
  await deleteFloatingIpRow(tx.sql, id);
  await deletePortRow(tx.sql, floatingIp.floatingPortId);
  tx.event({
    action: "network.floatingip.delete",
    target: { type: "floatingip", id, projectId: floatingIp.projectId },
  });
  tx.enqueue(`floatingip/${id}`);
}

export const readFloatingIps = (
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<FloatingIpWithPort[]> => listFloatingIps(sql, requester, request);

export async function readFloatingIp(sql: Queryable, requester: Requester, id: string): Promise<FloatingIpWithPort> {
  const floatingIp = await findFloatingIp(sql, requester, id);
  if (floatingIp === null) throw floatingIpNotFound(id);
  return floatingIp;
}
