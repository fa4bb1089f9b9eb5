import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import type { Network } from "../networks/network.model.ts";
import type { AddressSpace } from "../subnets/subnet.model.ts";
import { startFixedIps } from "./allocate-fixed-ips.ts";
import { type FixedIpWire, planFixedIps } from "./fixed-ips.plan.ts";
import { OWNER, type Port } from "./port.model.ts";
import { type InsertedPort, correctFixedIps, insertPort } from "./port.queries.ts";

export type MakePort = Pick<
  InsertedPort,
  "projectId" | "macAddress" | "deviceId" | "deviceOwner" | "portSecurityEnabled"
> &
  Partial<Omit<InsertedPort, "fixedIps" | "networkId" | "networkProjectId">> & {
    network: Pick<Network, "id" | "projectId">;
    subnets: AddressSpace[];
    /** undefined: whatever the network gives. */
    requested: readonly FixedIpWire[] | undefined;
  };

/**
 * Every port there is comes from here: addresses, row, event, key. What is allowed to whom was checked before.
 * Addresses and row go in one flight: the row says the addresses that will most likely be given, and is put right in the
 * rare case that somebody else was faster.
 */
export async function makePort(tx: Transaction, { network, subnets, requested, ...port }: MakePort): Promise<Port> {
  const id = port.id ?? newUuid();
  const wishes = planFixedIps({
    networkId: network.id,
    subnets,
    mac: port.macAddress,
    isRouterPort: port.deviceOwner === OWNER.routerInterface,
    deviceOwner: port.deviceOwner,
    requested,
  });
  const { guess, taken } = startFixedIps(tx.sql, network.id, id, wishes);
  const inserting = insertPort(tx.sql, {
    name: "",
    description: "",
    adminStateUp: true,
    securityGroupIds: [],
    allowedAddressPairs: [],
    extraDhcpOpts: [],
    dnsName: "",
    qosPolicyId: null,
    hostId: "",
    vnicType: "normal",
    bindingProfile: {},
    serverId: null,
    deleteWithServer: false,
    deviceTag: null,
    ...port,
    id,
    networkId: network.id,
    networkProjectId: network.projectId,
    fixedIps: guess,
  });
  inserting.catch(() => undefined);
  const fixedIps = await taken;
  const made = await inserting;
  const right =
    made.fixedIps.length === fixedIps.length &&
    fixedIps.every((ip, index) => ip.ip_address === made.fixedIps[index]?.ip_address);
  if (!right) await correctFixedIps(tx.sql, id, fixedIps);
  tx.event({
    action: "network.port.create",
    target: { type: "port", id, projectId: port.projectId === "" ? network.projectId : port.projectId },
    detail: { networkId: network.id, deviceOwner: port.deviceOwner, addresses: fixedIps.map((ip) => ip.ip_address) },
  });
  tx.enqueue(`port/${id}`);
  return { ...made, fixedIps };
}
