import assert from "node:assert/strict";
import { test } from "node:test";

import { localnetPortRow, switchRow } from "./network.ovn.ts";

test("a network in tunnels", () => {
  assert.deepEqual(switchRow({ id: "n", name: "net", physical: null, vlanTransparent: true }), {
    name: "andromede-n",
    external_ids: { "andromede:id": "n", "andromede:class": "network", "andromede:name": "net" },
    other_config: { mcast_snoop: "false", mcast_flood_unregistered: "false", "vlan-passthru": "true" },
  });
});

test("a network on a physical one forgets MAC addresses, and has a way out, tagged or not", () => {
  const physical = { network: "physnet1", vlan: 12 };
  assert.equal(
    switchRow({ id: "n", name: "net", physical, vlanTransparent: false }).other_config?.["fdb_age_threshold"],
    "300",
  );
  assert.deepEqual(localnetPortRow("n", physical), {
    name: "provnet-n",
    type: "localnet",
    addresses: ["unknown"],
    tag: 12,
    options: {
      network_name: "physnet1",
      mcast_flood: "false",
      mcast_flood_reports: "true",
      localnet_learn_fdb: "false",
    },
    external_ids: { "andromede:network": "n" },
  });
  assert.equal(localnetPortRow("n", { network: "physnet1", vlan: null }).tag, null);
});
