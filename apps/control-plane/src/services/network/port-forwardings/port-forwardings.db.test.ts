import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  type Tenant,
  type Wire,
  type World,
  createWorld,
  errorOf,
  externalNetwork,
  networkWithSubnet,
} from "../testing/network-world.ts";

let world: World;
let external: Wire;
before(async () => {
  world = await createWorld();
  external = (await externalNetwork(world.operator)).network;
});
after(() => world.close());

type Place = { tenant: Tenant; port: Wire; floatingIp: Wire; url: string; subnet: Wire; router: Wire };
async function place(tenant = world.tenant()): Promise<Place> {
  const router = await tenant.create("router", { external_gateway_info: { network_id: external.id } });
  const { network, subnet } = await networkWithSubnet(tenant);
  await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const port = await tenant.create("port", { network_id: network.id });
  const floatingIp = await tenant.create("floatingip", { floating_network_id: external.id });
  return { tenant, port, floatingIp, subnet, router, url: `/v2.0/floatingips/${floatingIp.id}/port_forwardings` };
}
const forward = async ({ tenant, port, url }: Place, values: object): Promise<Wire> => {
  const body = { protocol: "tcp", internal_port_id: port.id, ...values };
  return (await tenant.expect(201, "POST", url, { port_forwarding: body }))["port_forwarding"] as Wire;
};
const refused = async ({ tenant, port, url }: Place, values: object): Promise<[number, string]> => {
  const body = { protocol: "tcp", internal_port_id: port.id, ...values };
  const answer = await tenant.call("POST", url, { port_forwarding: body });
  return [answer.status, errorOf(answer).type];
};

test("a forwarding's life; its floating IP has a router as long as it forwards", async () => {
  const at = await place();
  const { tenant, floatingIp, port, url, router } = at;
  const one = await forward(at, { internal_port: 22, external_port: 2222, description: "ssh" });
  const [fixed] = port["fixed_ips"] as { ip_address: string }[];
  assert.deepEqual(one, {
    id: one.id,
    protocol: "tcp",
    internal_ip_address: fixed?.ip_address,
    internal_port_id: port.id,
    internal_port: 22,
    internal_port_range: "22:22",
    external_port: 2222,
    external_port_range: "2222:2222",
    description: "ssh",
  });
  const { port_forwarding: shown } = await tenant.expect(200, "GET", `${url}/${one.id}`);
  assert.deepEqual(shown, one);
  const { description: _, ...summary } = one;
  const seen = await tenant.show("floatingip", floatingIp.id);
  assert.deepEqual([seen["port_forwardings"], seen["router_id"], seen["port_id"]], [[summary], router.id, null]);
  const changed = await tenant.expect(200, "PUT", `${url}/${one.id}`, { port_forwarding: { external_port: 2223 } });
  assert.equal((changed["port_forwarding"] as { external_port: number }).external_port, 2223);
  const range = await forward(at, { internal_port_range: "80:82", external_port_range: "8080:8082" });
  assert.deepEqual([range["external_port"], range["external_port_range"]], [null, "8080:8082"]);
  const { port_forwardings: list } = await tenant.expect(200, "GET", `${url}?sort_key=external_port&limit=1`);
  assert.equal((list as Wire[])[0]?.id, one.id);
  for (const id of [one.id, range.id]) await tenant.expect(204, "DELETE", `${url}/${id}`);
  assert.equal((await tenant.show("floatingip", floatingIp.id))["router_id"], null);
  await tenant.expect(404, "GET", `${url}/${one.id}`);
});

test("collisions and impossible wishes are refused", async () => {
  const at = await place();
  await forward(at, { internal_port: 22, external_port: 2222 });
  assert.equal((await refused(at, { internal_port: 23, external_port: 2222 }))[0], 400);
  assert.equal((await refused(at, { internal_port: 22, external_port: 2223 }))[0], 400);
  assert.equal((await refused(at, { internal_port: 24, external_port_range: "2000:3000" }))[0], 400);
  assert.equal((await refused(at, { internal_port_range: "30:31", external_port_range: "30:39" }))[0], 400);
  assert.equal((await refused(at, { internal_port: 0, external_port: 1 }))[0], 400);
  assert.equal((await refused(at, { internal_port: 1, external_port: 65_536 }))[0], 400);
  assert.equal((await refused(at, { internal_port: 1 }))[0], 400);
  assert.equal((await refused(at, { internal_port: 1, external_port: 1, internal_ip_address: "10.9.9.9" }))[0], 400);
  assert.equal((await refused(at, { internal_port: 1, external_port: 1, internal_port_id: "nowhere" }))[0], 404);
  // the same numbers in the other protocol are others
  await forward(at, { protocol: "udp", internal_port: 22, external_port: 2222 });
  const stranger = world.tenant();
  await stranger.expect(404, "GET", at.url);
  const unrouted = await at.tenant.create("port", {
    network_id: (await networkWithSubnet(at.tenant, "10.7.0.0/24")).network.id,
  });
  assert.equal((await refused(at, { internal_port_id: unrouted.id, internal_port: 5, external_port: 5 }))[0], 400);
});

test("a floating IP forwards or is on a port, and what is in use stays", async () => {
  const at = await place();
  const { tenant, floatingIp, port, router, subnet } = at;
  await forward(at, { internal_port: 22, external_port: 2222 });
  const put = await tenant.call("PUT", `/v2.0/floatingips/${floatingIp.id}`, { floatingip: { port_id: port.id } });
  assert.deepEqual([put.status, errorOf(put).type], [409, "FipInUseByPortForwarding"]);
  const gone = await tenant.call("DELETE", `/v2.0/floatingips/${floatingIp.id}`);
  assert.deepEqual([gone.status, errorOf(gone).type], [409, "FipInUseByPortForwarding"]);
  const leg = { subnet_id: subnet.id };
  await tenant.expect(409, "PUT", `/v2.0/routers/${router.id}/remove_router_interface`, leg);
  await tenant.expect(409, "PUT", `/v2.0/routers/${router.id}`, { router: { external_gateway_info: {} } });
  const bound = await tenant.create("floatingip", { floating_network_id: external.id, port_id: port.id });
  assert.deepEqual(await refused(at, { internal_port: 23, external_port: 23 }), [409, "PortHasBindingFloatingIP"]);
  const other = { ...at, floatingIp: bound, url: `/v2.0/floatingips/${bound.id}/port_forwardings` };
  assert.equal((await refused(other, { internal_port: 24, external_port: 24 }))[0], 409);
});

test("with the port, what led to it goes", async () => {
  const at = await place();
  const { tenant, floatingIp, port, url } = at;
  await forward(at, { internal_port: 22, external_port: 2222 });
  await tenant.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
  assert.deepEqual((await tenant.expect(200, "GET", url))["port_forwardings"], []);
  assert.equal((await tenant.show("floatingip", floatingIp.id))["router_id"], null);
});
