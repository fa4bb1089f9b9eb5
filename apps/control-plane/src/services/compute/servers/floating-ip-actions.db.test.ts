/** Floating IPs by action, as clients of Nova up to 2.43 ask for them, on a real network service. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { networkService } from "../../network/service.ts";
import { type ComputeLab, type Wire, createComputeLab } from "../testing/compute-lab.ts";

let lab: ComputeLab;
before(async () => {
  lab = await createComputeLab({ services: [networkService] });
});
after(() => lab.close());

async function make(kind: string, fields: object, token = lab.token): Promise<Wire> {
  const url = `/network/v2.0/${kind}s`;
  const answer = await lab.inject({ method: "POST", url, token, body: { [kind]: fields } });
  assert.equal(answer.status, 201, answer.text);
  return (answer.body as { [kind: string]: Wire })[kind];
}

async function act(serverId: string, action: object, options: { version?: string; token?: string } = {}) {
  const answer = await lab.call("POST", `/servers/${serverId}/action`, action, { version: "2.43", ...options });
  const [fault] = Object.values((answer.body ?? {}) as { [kind: string]: { message: string } });
  return { status: answer.status, message: fault?.message ?? "" };
}

test("a floating IP is led to a server, to the address that is named, and away again", async () => {
  const outside = { name: "public", "router:external": true, "provider:network_type": "flat" };
  const external = await make("network", { ...outside, "provider:physical_network": "physnet1" }, lab.adminToken);
  const range = { network_id: external.id, ip_version: 4, cidr: "172.24.4.0/24", enable_dhcp: false };
  await make("subnet", range, lab.adminToken);
  const network = await make("network", { name: "inside" });
  const subnet = await make("subnet", { network_id: network.id, ip_version: 4, cidr: "10.0.0.0/24" });
  const port = await make("port", {
    network_id: network.id,
    fixed_ips: [{ ip_address: "10.0.0.7" }, { ip_address: "10.0.0.8" }],
  });
  const floating = await make("floatingip", { floating_network_id: external.id });
  const address: string = floating.floating_ip_address;
  const leadsTo = async (): Promise<string | null> => {
    const url = `/network/v2.0/floatingips/${floating.id}`;
    const { body } = await lab.inject({ method: "GET", url, token: lab.token });
    return (body as { floatingip: { fixed_ip_address: string | null } }).floatingip.fixed_ip_address;
  };
  const serverId = await lab.boot({ networks: [{ port: port.id }] });

  const noWay = await act(serverId, { addFloatingIp: { address } });
  assert.deepEqual([noWay.status, /Unable to associate/.test(noWay.message)], [400, true]);
  const router = await make("router", { name: "r", external_gateway_info: { network_id: external.id } });
  const joined = await lab.inject({
    method: "PUT",
    url: `/network/v2.0/routers/${router.id}/add_router_interface`,
    token: lab.token,
    body: { subnet_id: subnet.id },
  });
  assert.equal(joined.status, 200, joined.text);

  assert.equal((await act(serverId, { addFloatingIp: { address: "172.24.4.250" } })).status, 404);
  const foreign = await act(serverId, { addFloatingIp: { address, fixed_address: "10.0.0.99" } });
  assert.deepEqual([foreign.status, foreign.message], [400, "Specified fixed address not assigned to instance"]);
  assert.equal((await act(serverId, { addFloatingIp: { address: "nonsense" } })).status, 400);
  assert.equal((await act(serverId, { addFloatingIp: { address } }, { version: "2.44" })).status, 404);
  assert.equal(await leadsTo(), null);

  assert.equal((await act(serverId, { addFloatingIp: { address, fixed_address: "10.0.0.8" } })).status, 202);
  assert.equal(await leadsTo(), "10.0.0.8");
  const stranger = lab.tokenFor({ roles: ["member"] });
  assert.equal((await act(serverId, { removeFloatingIp: { address } }, { token: stranger })).status, 404);
  const bare = await lab.boot();
  assert.equal((await act(bare, { removeFloatingIp: { address } })).status, 409);
  const nothing = await act(bare, { addFloatingIp: { address } });
  assert.deepEqual([nothing.status, nothing.message], [400, "No fixed IPs associated to instance"]);
  assert.equal((await act(serverId, { removeFloatingIp: { address } })).status, 202);
  assert.equal(await leadsTo(), null);
  assert.equal((await act(serverId, { addFloatingIp: { address } })).status, 202);
  assert.equal(await leadsTo(), "10.0.0.7");
});
