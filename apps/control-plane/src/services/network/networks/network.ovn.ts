/** network -> Logical_Switch; one with a physical network also a localnet port. */
import type { RowWrite } from "@andromede/ovsdb/types";

import { writeOvn } from "../ovn/draft.ts";
import { NAME, NETWORK, localnetPortName, marks, switchName } from "../ovn/names.ts";
import { type OvnNorthbound, type Tables, indexKey } from "../ovn/northbound.ts";

/** What OVN must know of a network. */
export type OvnNetwork = {
  readonly id: string;
  readonly name: string;
  /** The bridge mapping the network leaves by, and its VLAN; null for a network that lives in tunnels. */
  readonly physical: { readonly network: string; readonly vlan: number | null } | null;
  readonly vlanTransparent: boolean;
};

/** Pure: the switch of a network. */
export function switchRow(network: OvnNetwork): RowWrite<Tables["Logical_Switch"]> {
  return {
    name: switchName(network.id),
    external_ids: marks("network", network.id, { [NAME]: network.name }),
    other_config: {
      mcast_snoop: "false",
      mcast_flood_unregistered: "false",
      "vlan-passthru": String(network.vlanTransparent),
      // MACs learned on a physical segment must not be believed for ever.
      ...(network.physical === null ? {} : { fdb_age_threshold: "300" }),
    },
  };
}

/** Pure: the port by which a switch meets its physical network. */
export function localnetPortRow(
  networkId: string,
  physical: NonNullable<OvnNetwork["physical"]>,
): RowWrite<Tables["Logical_Switch_Port"]> {
  return {
    name: localnetPortName(networkId),
    type: "localnet",
    addresses: ["unknown"],
    tag: physical.vlan,
    options: {
      network_name: physical.network,
      mcast_flood: "false",
      mcast_flood_reports: "true",
      localnet_learn_fdb: "false",
    },
    external_ids: { [NETWORK]: networkId },
  };
}

/** The network is in OVN as given. Resolves to whether anything had to change. */
export function ensureNetwork(ovn: OvnNorthbound, network: OvnNetwork): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const name = switchName(network.id);
    const row = ovn.named.Logical_Switch.first(name);
    const ref = draft.row("Logical_Switch", row, switchRow(network), ["name", "==", name]);
    const localnet = ovn.named.Logical_Switch_Port.first(localnetPortName(network.id));
    if (network.physical !== null) {
      const port = draft.row("Logical_Switch_Port", localnet, localnetPortRow(network.id, network.physical));
      draft.members("Logical_Switch", { ref, row }, "ports", { add: [port] });
    } else if (localnet !== undefined) {
      draft.members("Logical_Switch", { ref, row }, "ports", { remove: [localnet._uuid] });
    }
  });
}

/** Nothing of the network is left in OVN; its ports go with it. */
export function removeNetwork(ovn: OvnNorthbound, networkId: string): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    draft.remove("Logical_Switch", ovn.owned.Logical_Switch.all(indexKey("network", networkId)));
  });
}
