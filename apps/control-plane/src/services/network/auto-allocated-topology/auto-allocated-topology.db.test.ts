import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { systemOrigin } from "@andromede/platform/events/append";

import { transact } from "../../../db/transaction.ts";
import { createServerPorts } from "../public.ts";
import { type Tenant, type World, createWorld, errorOf, externalNetwork } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

const PATH = "/v2.0/auto-allocated-topology";
const get = async (tenant: Tenant, project = "None"): Promise<string> =>
  ((await tenant.expect(200, "GET", `${PATH}/${project}`))["auto_allocated_topology"] as { id: string }).id;

test("without defaults there is nothing to make it from", async () => {
  const tenant = world.tenant();
  const answer = await tenant.call("GET", `${PATH}/None`);
  assert.deepEqual([answer.status, errorOf(answer).type], [409, "AutoAllocationFailure"]);
  assert.equal((await tenant.call("GET", `${PATH}/None?fields=dry-run`)).status, 409);
});

test("who asks first gets a network, subnets and a router; who asks again the same; until it is given back", async () => {
  const { network: outside } = await externalNetwork(world.operator);
  await world.operator.expect(200, "PUT", `/v2.0/networks/${outside.id}`, { network: { is_default: true } });
  for (const prefix of ["10.0.0.0/8", "fd00::/48"]) {
    const pool = { name: "usual", prefixes: [prefix], default_prefixlen: prefix.includes(":") ? 64 : 26 };
    await world.operator.create("subnetpool", { ...pool, is_default: true });
  }
  const [tenant, other] = [world.tenant(), world.tenant()];
  assert.equal(await get(tenant, "None?fields=dry-run"), "dry-run=pass");
  assert.deepEqual(await tenant.list("network", "?router%3Aexternal=false"), []);
  const [first, second] = await Promise.all([get(tenant), get(tenant, tenant.projectId)]);
  assert.equal(first, second, "two at once get one");
  const subnets = await tenant.list("subnet");
  assert.deepEqual(
    subnets.map((subnet) => subnet["name"]).toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
    ["auto_allocated_subnet_v4", "auto_allocated_subnet_v6"],
  );
  const [router] = await tenant.list("router");
  assert.partialDeepStrictEqual(router, { external_gateway_info: { network_id: outside.id } });
  await other.expect(403, "GET", `${PATH}/${tenant.projectId}`);

  const port = await tenant.create("port", { network_id: first });
  await tenant.expect(409, "DELETE", `${PATH}/None`);
  assert.equal((await tenant.list("router")).length, 1);
  await tenant.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
  await tenant.expect(204, "DELETE", `${PATH}/None`);
  assert.deepEqual([await tenant.list("router"), await tenant.list("subnet")], [[], []]);
  await tenant.expect(204, "DELETE", `${PATH}/None`);

  const [made] = await transact(world.test.app, systemOrigin("test"), (tx) =>
    createServerPorts(tx, {
      serverId: crypto.randomUUID(),
      projectId: other.projectId,
      isAdmin: false,
      requested: "auto",
      availabilityZone: "nova",
      hostname: "auto",
    }),
  );
  assert.equal(made?.networkId, await get(other));
});

test("subnets for some owners' ports", async () => {
  const tenant = world.tenant();
  const network = await tenant.create("network", { name: "n" });
  const subnet = (cidr: string, types: string[]) =>
    tenant.create("subnet", { network_id: network.id, ip_version: 4, cidr, service_types: types });
  const wrong = { subnet: { network_id: network.id, ip_version: 4, cidr: "10.9.0.0/24", service_types: ["x"] } };
  const refused = await tenant.call("POST", "/v2.0/subnets", wrong);
  assert.deepEqual([refused.status, errorOf(refused).type], [400, "InvalidSubnetServiceType"]);
  const computers = await subnet("10.1.0.0/24", ["compute:nova"]);
  const none = await tenant.call("POST", "/v2.0/ports", { port: { network_id: network.id } });
  assert.deepEqual([none.status, errorOf(none).type], [409, "IpAddressGenerationFailureNoMatchingSubnet"]);
  const open = await subnet("10.2.0.0/24", []);
  const port = async (owner: string) => {
    const made = await tenant.create("port", { network_id: network.id, device_owner: owner });
    return (made["fixed_ips"] as { subnet_id: string }[])[0]?.subnet_id;
  };
  assert.equal(await port(""), open.id);
  assert.equal(await port("compute:nova"), computers.id);
  await tenant.expect(200, "PUT", `/v2.0/subnets/${computers.id}`, { subnet: { service_types: ["network:dhcp"] } });
  assert.deepEqual((await tenant.show("subnet", computers.id))["service_types"], ["network:dhcp"]);
  assert.equal(await port("compute:nova"), open.id);
});
