import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { type TestOvsdbServer, startOvsdbServer } from "@andromede/testkit/engines";

import { type OvnNorthbound, connectNorthbound } from "../ovn/northbound.ts";
import { networkReconcilers } from "../reconcilers.ts";
import {
  type Tenant,
  type Wire,
  type World,
  createWorld,
  errorOf,
  networkWithSubnet,
} from "../testing/network-world.ts";

let world: World;
let server: TestOvsdbServer;
let ovn: OvnNorthbound;
before(async () => {
  server = await startOvsdbServer({ schema: "usr/share/ovn/ovn-nb.ovsschema" });
  ovn = await connectNorthbound({ address: server.address, log: silentLogger });
  world = await createWorld({ reconcilers: networkReconcilers, ovn });
});
after(async () => {
  await world.close();
  await ovn.close();
  await server.stop();
});

async function ports(tenant: Tenant, count: number): Promise<Wire[]> {
  const { network } = await networkWithSubnet(tenant);
  const made = [];
  for (let number = 0; number < count; number++) made.push(await tenant.create("port", { network_id: network.id }));
  return made;
}
const carrier = (id: string): [string | null, number | null] => {
  const row = ovn.named.Logical_Switch_Port.first(id);
  return [row?.parent_name ?? null, row?.tag ?? null];
};

test("a trunk's life: ports come and go, and OVN carries them as VLANs", async () => {
  const tenant = world.tenant();
  const [parent, one, two] = (await ports(tenant, 3)) as [Wire, Wire, Wire];
  const sub = (port: Wire, id: number) => ({ port_id: port.id, segmentation_type: "vlan", segmentation_id: id });
  const trunk = await tenant.create("trunk", { name: "t", port_id: parent.id, sub_ports: [sub(one, 101)] });
  assert.deepEqual([trunk["status"], trunk["sub_ports"]], ["DOWN", [sub(one, 101)]]);
  const added = await tenant.expect(200, "PUT", `/v2.0/trunks/${trunk.id}/add_subports`, {
    sub_ports: [sub(two, 102)],
  });
  assert.deepEqual(added["sub_ports"], [sub(one, 101), sub(two, 102)]);
  await world.test.drain();
  assert.deepEqual(
    [carrier(one.id), carrier(two.id)],
    [
      [parent.id, 101],
      [parent.id, 102],
    ],
  );
  assert.equal((await tenant.show("port", one.id))["device_owner"], "trunk:subport");
  const [listed] = await tenant.list("port", `?id=${parent.id}`);
  assert.deepEqual(listed?.["trunk_details"], {
    trunk_id: trunk.id,
    sub_ports: [
      { ...sub(one, 101), mac_address: one["mac_address"] },
      { ...sub(two, 102), mac_address: two["mac_address"] },
    ],
  });
  for (const [port, type] of [
    [parent, "PortInUseAsTrunkParent"],
    [one, "PortInUseAsSubPort"],
  ] as const) {
    const refused = await tenant.call("DELETE", `/v2.0/ports/${port.id}`);
    assert.deepEqual([refused.status, errorOf(refused).type], [409, type]);
  }
  await tenant.expect(200, "PUT", `/v2.0/trunks/${trunk.id}/remove_subports`, { sub_ports: [{ port_id: one.id }] });
  const { sub_ports: left } = await tenant.expect(200, "GET", `/v2.0/trunks/${trunk.id}/get_subports`);
  assert.deepEqual(left, [sub(two, 102)]);
  await tenant.expect(204, "DELETE", `/v2.0/trunks/${trunk.id}`);
  await world.test.drain();
  assert.deepEqual(
    [carrier(one.id), carrier(two.id)],
    [
      [null, null],
      [null, null],
    ],
  );
  assert.equal((await tenant.show("port", two.id))["device_owner"], "");
  const [shown] = await tenant.list("port", `?id=${parent.id}`);
  assert.equal(shown?.["trunk_details"], undefined);
  await tenant.expect(204, "DELETE", `/v2.0/ports/${parent.id}`);
});

test("what a trunk cannot carry", async () => {
  const [tenant, stranger] = [world.tenant(), world.tenant()];
  const [parent, one, two] = (await ports(tenant, 3)) as [Wire, Wire, Wire];
  const refused = async (sub: object[], port = parent): Promise<[number, string]> => {
    const answer = await tenant.call("POST", "/v2.0/trunks", { trunk: { port_id: port.id, sub_ports: sub } });
    return [answer.status, errorOf(answer).type];
  };
  const sub = (port: Wire, id: number | string | undefined) => ({ port_id: port.id, segmentation_id: id });
  assert.deepEqual(await refused([sub(one, 5), sub(two, 5)]), [409, "DuplicateSubPort"]);
  assert.equal((await refused([sub(one, 0)]))[0], 400);
  assert.equal((await refused([sub(one, 4095)]))[0], 400);
  assert.equal((await refused([{ port_id: one.id }]))[0], 400);
  assert.equal((await refused([{ ...sub(one, 5), segmentation_type: "inherit" }]))[0], 400);
  assert.equal((await refused([{ port_id: "nowhere", segmentation_id: 5 }]))[0], 404);
  assert.deepEqual(await refused([sub(parent, 5)]), [409, "PortInUseAsTrunkParent"]);
  const used = await tenant.create("port", { network_id: String(one["network_id"]), device_id: "mine" });
  assert.deepEqual(await refused([sub(used, 5)]), [409, "PortInUse"]);
  const trunk = await tenant.create("trunk", { port_id: parent.id, sub_ports: [sub(one, 5)] });
  assert.deepEqual(await refused([], one), [409, "PortInUseAsSubPort"]);
  await stranger.expect(404, "GET", `/v2.0/trunks/${trunk.id}`);
  await tenant.expect(200, "PUT", `/v2.0/trunks/${trunk.id}`, { trunk: { admin_state_up: false } });
  const disabled = await tenant.call("PUT", `/v2.0/trunks/${trunk.id}/add_subports`, { sub_ports: [sub(two, 6)] });
  assert.deepEqual([disabled.status, errorOf(disabled).type], [409, "TrunkDisabled"]);
  const owner = { port: { device_owner: "compute:nova" } };
  await tenant.expect(409, "PUT", `/v2.0/ports/${one.id}`, owner);
});
