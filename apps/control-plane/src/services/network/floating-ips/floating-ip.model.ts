/** An address of the external network that stands for one of a project's. Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import type { PortForwarding } from "../port-forwardings/port-forwarding.model.ts";
import { type Port, ipv4Of } from "../ports/port.model.ts";

export type FloatingIp = {
  id: string;
  projectId: string;
  description: string;
  floatingNetworkId: string;
  floatingIpAddress: string;
  floatingPortId: string;
  portId: string | null;
  fixedIpAddress: string | null;
  routerId: string | null;
  dnsName: string;
  dnsDomain: string;
  qosPolicyId: string | null;
  /** Its external network's, as shown beside its own. */
  qosNetworkPolicyId: string | null;
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
  observedRevision: number | null;
  status: string;
};

/** What is shown of the port behind it. */
export type PortDetails = Pick<
  Port,
  "name" | "networkId" | "macAddress" | "adminStateUp" | "status" | "deviceId" | "deviceOwner"
>;
export type FloatingIpWithPort = FloatingIp & {
  portDetails: PortDetails | null;
  /** Those that it has, by the way that each leads. */
  forwardings: PortForwarding[];
};

export const floatingIpNotFound = (id: string): CloudError =>
  notFound(`Floating IP ${id} could not be found`, { type: "FloatingIPNotFound" });

const refuse = (message: string): CloudError => invalid(`Bad floatingip request: ${message}`, { type: "BadRequest" });

/** Which of the port's addresses the floating one is to stand for. */
export function chooseFixedIp(
  port: Port,
  floatingIp: Pick<FloatingIp, "id" | "projectId">,
  wanted: string | undefined,
) {
  if (port.projectId !== floatingIp.projectId) {
    throw refuse(
      `Port ${port.id} is associated with a different tenant than Floating IP ${floatingIp.id} and therefore cannot be bound.`,
    );
  }
  const addresses = ipv4Of(port);
  if (wanted !== undefined) {
    const found = addresses.find((ip) => ip.ip_address === wanted);
    if (found === undefined) throw refuse(`Port ${port.id} does not have fixed ip ${wanted}.`);
    return found;
  }
  const [only, more] = addresses;
  if (only === undefined) throw refuse(`Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses.`);
  if (more !== undefined) {
    throw refuse(
      `Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP.`,
    );
  }
  return only;
}

export const alreadyAssociated = (
  floatingIp: Pick<FloatingIp, "id" | "floatingIpAddress" | "floatingNetworkId">,
  portId: string,
  fixedIp: string,
): CloudError =>
  conflict(
    `Cannot associate floating IP ${floatingIp.floatingIpAddress} (${floatingIp.id}) with port ${portId} using fixed IP ${fixedIp}, as that fixed IP already has a floating IP on external network ${floatingIp.floatingNetworkId}.`,
    { type: "FloatingIPPortAlreadyAssociated" },
  );

export const notReachable = (networkId: string, subnetId: string, portId: string): CloudError =>
  notFound(
    `External network ${networkId} is not reachable from subnet ${subnetId}.  Therefore, cannot associate Port ${portId} with a Floating IP.`,
    { type: "ExternalGatewayForFloatingIPNotFound" },
  );
