import { CloudError, conflict, forbidden, invalid } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import { ensureTopology } from "../auto-allocated-topology/auto-allocated-topology.ts";
import { isUsable, isVisible } from "../networks/network.model.ts";
import { findNetwork } from "../networks/network.queries.ts";
import { type CreatePort, createPorts } from "../ports/create-port.ts";
import type { Port } from "../ports/port.model.ts";
import { lockVisiblePort, updatePortRow } from "../ports/port.queries.ts";
import { resolveSecurityGroups } from "./resolve-security-groups.ts";
import { hasSubnets, listImplicitNetworks, setAttachOrder } from "./server-port.queries.ts";
import type { CreateServerPorts, RequestedInterface, ServerPort } from "./server-ports.model.ts";

type Requester = { projectId: string; admin: boolean };

export const toServerPort = (port: Port): ServerPort => ({
  id: port.id,
  networkId: port.networkId,
  macAddress: port.macAddress,
  status: port.status,
  fixedIps: port.fixedIps.map((ip) => ({ subnetId: ip.subnet_id, ipAddress: ip.ip_address })),
  tag: port.deviceTag,
});

/** Makes (for networks) and takes (for given ports) a new server's interfaces. Throws what Nova answers: 400, 403, 409. */
export async function createServerPorts(tx: Transaction, request: CreateServerPorts): Promise<ServerPort[]> {
  const requester = { projectId: request.projectId, admin: request.isAdmin };
  try {
    const requested = await chooseInterfaces(tx, request);
    if (requested.length === 0) return [];
    return await makeAll(tx, requester, request, requested);
  } catch (error) {
    throw asNova(error);
  }
}

/** What is asked for in so many words, or the project's only network. */
async function chooseInterfaces(
  tx: Transaction,
  { requested, projectId }: CreateServerPorts,
): Promise<RequestedInterface[]> {
  if (Array.isArray(requested)) return requested;
  if (requested === "none") return [];
  const [only, more] = await listImplicitNetworks(tx.sql, projectId);
  if (more !== undefined) throw conflict("Multiple possible networks found, use a Network ID to be more specific.");
  if (only !== undefined) return [{ networkId: only }];
  if (requested !== "auto") return [];
  try {
    return [{ networkId: await ensureTopology(tx, projectId) }];
  } catch (cause) {
    if (!(cause instanceof CloudError) || cause.type !== "AutoAllocationFailure") throw cause;
    throw invalid(`Unable to automatically allocate a network for project ${projectId}`, { cause });
  }
}

async function makeAll(
  tx: Transaction,
  requester: Requester,
  request: CreateServerPorts,
  requested: RequestedInterface[],
): Promise<ServerPort[]> {
  const onNetworks = requested.flatMap((one) => ("networkId" in one ? [one] : []));
  const groups =
    onNetworks.length === 0 || request.securityGroups === undefined || request.securityGroups.length === 0
      ? undefined
      : await resolveSecurityGroups(tx, requester, request.securityGroups);
  await Promise.all(
    [...new Set(onNetworks.map((one) => one.networkId))].map((id) => checkNetwork(tx, requester, id, groups)),
  );
  const made = await createPorts(
    tx,
    requester,
    onNetworks.map((one) => toPort(request, one, groups)),
  );
  const ports: ServerPort[] = [];
  for (const one of requested) {
    const port = "networkId" in one ? made.shift() : await takePort(tx, requester, request, one);
    if (port !== undefined) ports.push(toServerPort(port));
  }
  // those that were made came first; the guest is to see them in the order asked for
  if (onNetworks.length > 0 && onNetworks.length < requested.length)
    await setAttachOrder(
      tx.sql,
      ports.map((port) => port.id),
    );
  return ports;
}

async function checkNetwork(
  tx: Transaction,
  requester: Requester,
  id: string,
  groups: string[] | undefined,
): Promise<void> {
  const [network, addressed] = await Promise.all([findNetwork(tx.sql, id), hasSubnets(tx.sql, id)]);
  if (network === null || !isVisible(network, requester))
    throw invalid(`Network ${id} could not be found.`, { type: "NetworkNotFound" });
  if (!isUsable(network, requester))
    throw forbidden(`It is not allowed to create an interface on external network ${id}`);
  if (!addressed && network.portSecurityEnabled) {
    throw invalid(`Network ${id} requires a subnet in order to boot instances on.`);
  }
  if (groups !== undefined && groups.length > 0 && !network.portSecurityEnabled) {
    throw invalid("Network requires port_security_enabled and subnet associated in order to apply security groups.");
  }
}

function toPort(
  request: CreateServerPorts,
  one: { networkId: string; fixedIp?: string; tag?: string },
  groups: string[] | undefined,
): CreatePort {
  return {
    projectId: request.projectId,
    networkId: one.networkId,
    name: "",
    description: "",
    adminStateUp: true,
    macAddress: undefined,
    fixedIps: one.fixedIp === undefined ? undefined : [{ ip_address: one.fixedIp }],
    securityGroups: groups,
    allowedAddressPairs: undefined,
    extraDhcpOpts: [],
    portSecurityEnabled: undefined,
    deviceId: request.serverId,
    deviceOwner: `compute:${request.availabilityZone}`,
    dnsName: dnsNameOf(request.hostname),
    hostId: request.host ?? "",
    bindingProfile: {},
    server: { serverId: request.serverId, deleteWithServer: true, deviceTag: one.tag ?? null },
  };
}

/** A host name that DNS could not hold is no name of a port. */
const dnsNameOf = (hostname: string): string =>
  /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(hostname) ? hostname.toLowerCase() : "";

async function takePort(
  tx: Transaction,
  requester: Requester,
  request: CreateServerPorts,
  one: { portId: string; tag?: string },
): Promise<Port> {
  const port = await lockVisiblePort(tx.sql, requester, one.portId);
  if (port === null || (!requester.admin && port.projectId !== requester.projectId)) {
    throw invalid(`Port id ${one.portId} could not be found.`, { type: "PortNotFound" });
  }
  if (port.deviceId !== "" || port.serverId !== null || /^(network|trunk):/.test(port.deviceOwner))
    throw conflict(`Port ${port.id} is still in use.`);
  if (port.fixedIps.length === 0) throw invalid(`Port ${port.id} requires a FixedIP in order to be used.`);
  const taken = await updatePortRow(tx.sql, port.id, {
    ...port,
    deviceId: request.serverId,
    deviceOwner: `compute:${request.availabilityZone}`,
    serverId: request.serverId,
    deleteWithServer: false,
    deviceTag: one.tag ?? null,
    hostId: request.host ?? "",
    dnsName: port.dnsName === "" ? dnsNameOf(request.hostname) : port.dnsName,
  });
  tx.event({
    action: "network.port.update",
    target: { type: "port", id: port.id, projectId: port.projectId },
    detail: { serverId: request.serverId },
  });
  tx.enqueue(`port/${port.id}`);
  return taken;
}

/** Neutron's refusals in Nova's words and statuses (compute API, "Create server" and "Create interface"). */
function asNova(error: unknown): unknown {
  if (!(error instanceof CloudError)) return error;
  if (error.kind === "overQuota")
    return new CloudError("overQuota", "Maximum number of ports exceeded", { status: 403, cause: error });
  switch (error.type ?? "") {
    case "IpAddressGenerationFailure":
      return invalid(
        error.message.replace(
          "No more IP addresses available on network",
          "No fixed IP addresses available for network:",
        ),
        { cause: error },
      );
    case "IpAddressAlreadyAllocated":
      return invalid(
        error.message.replace(/^IP address (\S+) already allocated.*$/, "Fixed IP address $1 is already in use."),
        { cause: error },
      );
    default:
      return error.kind === "notFound"
        ? invalid(error.message, { ...(error.type === undefined ? {} : { type: error.type }), cause: error })
        : error;
  }
}
