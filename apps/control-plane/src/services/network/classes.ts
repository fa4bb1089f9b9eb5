import type { App } from "../../app.ts";
import type { Transaction } from "../../db/transaction.ts";
import type { ResourceClass } from "../../registry/registry.ts";
import { toAddressGroupView } from "./address-groups/address-group.model.ts";
import { deleteAddressGroup, readAddressGroup } from "./address-groups/change-address-group.ts";
import { toAddressScopeView } from "./address-scopes/address-scope.model.ts";
import { deleteAddressScope, readAddressScope } from "./address-scopes/change-address-scope.ts";
import { listCustomerPorts, listOwnedIds } from "./class.queries.ts";
import type { Requester } from "./common/requester.ts";
import { deleteFloatingIp, readFloatingIp } from "./floating-ips/change-floating-ip.ts";
import { toFloatingIpView } from "./floating-ips/floating-ip.view.ts";
import { deleteNetwork } from "./networks/change-network.ts";
import { toNetworkView } from "./networks/network.view.ts";
import { readNetwork } from "./networks/read-networks.ts";
import { deletePortForwarding, getPortForwarding } from "./port-forwardings/change-port-forwarding.ts";
import { toPortForwardingView } from "./port-forwardings/port-forwarding.model.ts";
import { findFloatingIpOf } from "./port-forwardings/port-forwarding.queries.ts";
import { deletePort } from "./ports/delete-port.ts";
import { toPortView } from "./ports/port.view.ts";
import { readPort } from "./ports/read-ports.ts";
import { deleteQosPolicy, readQosPolicy } from "./qos/change-qos-policy.ts";
import { toQosPolicyView } from "./qos/qos-policy.view.ts";
import { readRbacPolicy, withdrawRbacPolicy } from "./rbac-policies/change-rbac-policy.ts";
import { toRbacPolicyView } from "./rbac-policies/rbac-policy.model.ts";
import { readLimits } from "./quotas/change-quota.ts";
import { deleteProject, findProject } from "./quotas/quota.queries.ts";
import { deleteRouter, readRouter, updateRouter } from "./routers/change-router.ts";
import { removeInterface } from "./routers/router-interface.ts";
import { listLegs } from "./routers/router.queries.ts";
import { toRouterView } from "./routers/router.view.ts";
import { removeRule } from "./security-group-rules/change-security-group-rule.ts";
import { readRule } from "./security-group-rules/read-security-group-rules.ts";
import { toSecurityGroupRuleView } from "./security-group-rules/security-group-rule.view.ts";
import { deleteSecurityGroup } from "./security-groups/change-security-group.ts";
import { readSecurityGroup } from "./security-groups/read-security-groups.ts";
import { toSecurityGroupView } from "./security-groups/security-group.view.ts";
import { deleteSubnetpool, readSubnetpool } from "./subnetpools/change-subnetpool.ts";
import { toSubnetpoolView } from "./subnetpools/subnetpool.view.ts";
import { readSubnet } from "./subnets/read-subnets.ts";
import { toSubnetView } from "./subnets/subnet.view.ts";
import { deleteSubnet } from "./subnets/update-subnet.ts";

import { deleteTrunk, readTrunk } from "./trunks/change-trunk.ts";
import { toTrunkView } from "./trunks/trunk.model.ts";

/** Purge and export are the operator's own work. */
const operator: Requester = { projectId: "-", admin: true };

/** Who an export is shown to: the object says who it is shared with all, and nothing of operators. */
const nobody: Requester = { projectId: "-", admin: false };

type Export = { [key: string]: unknown };

function networkClass(
  noun: string,
  deleteOrder: number,
  entry: Pick<ResourceClass, "meters"> & {
    remove: (tx: Transaction, id: string) => Promise<void>;
    read: (app: App, id: string) => Promise<Export>;
    list?: ResourceClass["list"];
    verbs?: string[];
  },
): ResourceClass {
  return {
    name: `network.${noun}`,
    table: noun,
    ownerColumn: "project_id",
    deleteOrder,
    meters: entry.meters,
    verbs: entry.verbs ?? ["create", "update", "delete"],
    list: entry.list ?? ((app, projectId) => listOwnedIds(app.db, noun, projectId)),
    remove: (_app, tx, id) => entry.remove(tx, id),
    export: async (app, id) => {
      try {
        return await entry.read(app, id);
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
  };
}

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && (error as { kind?: unknown }).kind === "notFound";

/** A router's routes and legs go before it. */
async function removeRouterWhole(tx: Transaction, id: string): Promise<void> {
  await updateRouter(tx, operator, id, { routes: [] });
  const legs = await listLegs(tx.sql, id);
  for (const portId of new Set(
    legs.filter((leg) => leg.deviceOwner === "network:router_interface").map((leg) => leg.portId),
  )) {
    await removeInterface(tx, operator, id, { portId, subnetId: undefined });
  }
  await deleteRouter(tx, operator, id);
}

/** Rule 8a: what the network service keeps of a project. Order: floating IPs, ports, routers, subnets, networks, groups. */
export const networkClasses: ResourceClass[] = [
  networkClass("port_forwarding", 295, {
    meters: [],
    remove: async (tx, id) => deletePortForwarding(tx, operator, (await findFloatingIpOf(tx.sql, id)) ?? "", id),
    read: async (app, id) => {
      const floatingIpId = (await findFloatingIpOf(app.db, id)) ?? "";
      return toPortForwardingView(await getPortForwarding(app.db, operator, floatingIpId, id));
    },
  }),
  networkClass("floatingip", 300, {
    meters: [{ name: "network.floatingip", unit: "hour" }],
    remove: (tx, id) => deleteFloatingIp(tx, operator, id),
    read: async (app, id) => toFloatingIpView(await readFloatingIp(app.db, operator, id)),
  }),
  networkClass("trunk", 305, {
    meters: [],
    remove: (tx, id) => deleteTrunk(tx, operator, id),
    read: async (app, id) => toTrunkView(await readTrunk(app.db, operator, id)),
  }),
  networkClass("port", 310, {
    meters: [],
    // routers' and the network's own ports go with what they belong to
    list: (app, projectId) => listCustomerPorts(app.db, projectId),
    remove: (tx, id) => deletePort(tx, operator, id),
    read: async (app, id) => toPortView(await readPort(app.db, operator, id), false),
  }),
  networkClass("router", 320, {
    meters: [{ name: "network.router", unit: "hour" }],
    remove: removeRouterWhole,
    read: async (app, id) => toRouterView(await readRouter(app.db, operator, id), false),
  }),
  networkClass("subnet", 330, {
    meters: [],
    remove: (tx, id) => deleteSubnet(tx, operator, id),
    read: async (app, id) => toSubnetView(await readSubnet(app.db, operator, id)),
  }),
  networkClass("network", 340, {
    meters: [],
    remove: (tx, id) => deleteNetwork(tx, operator, id),
    read: async (app, id) => toNetworkView(await readNetwork(app.db, operator, id), nobody),
  }),
  networkClass("subnetpool", 350, {
    meters: [],
    remove: (tx, id) => deleteSubnetpool(tx, operator, id),
    read: async (app, id) => toSubnetpoolView(await readSubnetpool(app.db, operator, id), nobody),
  }),
  networkClass("address_scope", 352, {
    meters: [],
    remove: (tx, id) => deleteAddressScope(tx, operator, id),
    read: async (app, id) => toAddressScopeView(await readAddressScope(app.db, operator, id), nobody),
  }),
  networkClass("rbac_policy", 380, {
    meters: [],
    remove: (tx, id) => withdrawRbacPolicy(tx, id),
    read: async (app, id) => toRbacPolicyView(await readRbacPolicy(app.db, operator, id)),
  }),
  networkClass("qos_policy", 354, {
    meters: [],
    remove: (tx, id) => deleteQosPolicy(tx, operator, id),
    read: async (app, id) => toQosPolicyView(await readQosPolicy(app.db, operator, id), nobody),
  }),
  networkClass("address_group", 374, {
    meters: [],
    remove: (tx, id) => deleteAddressGroup(tx, operator, id),
    read: async (app, id) => toAddressGroupView(await readAddressGroup(app.db, operator, id), nobody),
  }),
  networkClass("security_group_rule", 360, {
    meters: [],
    remove: (tx, id) => removeRule(tx, operator, id),
    read: async (app, id) => toSecurityGroupRuleView(await readRule(app.db, operator, id)),
  }),
  networkClass("security_group", 370, {
    meters: [],
    remove: (tx, id) => deleteSecurityGroup(tx, operator, id),
    read: async (app, id) => toSecurityGroupView(await readSecurityGroup(app.db, operator, id), nobody),
  }),
  {
    name: "network.quota",
    table: "network_project",
    ownerColumn: "project_id",
    // after the groups: the row says which one is the project's default
    deleteOrder: 385,
    meters: [],
    verbs: ["update", "delete"],
    list: async (app, projectId) => ((await findProject(app.db, projectId)) === null ? [] : [projectId]),
    async remove(_app, tx, projectId) {
      await deleteProject(tx.sql, projectId);
      tx.event({ action: "network.quota.delete", target: { type: "quota", id: projectId, projectId } });
    },
    export: async (app, projectId) => ({ ...(await readLimits(app.db, projectId)) }),
  },
];
