import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { findWantedRouter } from "../routers/router-wanted.queries.ts";
import { type Tenant, type Wire, type World, createWorld, errorOf } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

const pool = (tenant: Tenant, scope: Wire | null, prefix: string): Promise<Wire> =>
  tenant.create("subnetpool", {
    name: "pool",
    prefixes: [prefix],
    default_prefixlen: 24,
    address_scope_id: scope?.id ?? null,
  });

test("a scope's life", async () => {
  const tenant = world.tenant();
  const scope = await tenant.create("address_scope", { name: "s", ip_version: 4 });
  assert.deepEqual([scope["ip_version"], scope["shared"], scope["project_id"]], [4, false, tenant.projectId]);
  await tenant.expect(200, "PUT", `/v2.0/address-scopes/${scope.id}`, { address_scope: { name: "t" } });
  assert.equal((await tenant.show("address_scope", scope.id))["name"], "t");
  await world.tenant().expect(404, "GET", `/v2.0/address-scopes/${scope.id}`);
  const made = await pool(tenant, scope, "10.0.0.0/8");
  assert.equal(made["address_scope_id"], scope.id);
  const used = await tenant.call("DELETE", `/v2.0/address-scopes/${scope.id}`);
  assert.deepEqual([used.status, errorOf(used).type], [409, "AddressScopeInUse"]);
  const out = { subnetpool: { address_scope_id: null } };
  await tenant.expect(200, "PUT", `/v2.0/subnetpools/${made.id}`, out);
  await tenant.expect(204, "DELETE", `/v2.0/address-scopes/${scope.id}`);
  await tenant.expect(403, "POST", "/v2.0/address-scopes", {
    address_scope: { name: "s", ip_version: 4, shared: true },
  });
  await tenant.expect(400, "POST", "/v2.0/address-scopes", { address_scope: { name: "s", ip_version: 5 } });
});

test("pools of a scope have its IP version and no address in common", async () => {
  const tenant = world.tenant();
  const scope = await tenant.create("address_scope", { name: "s", ip_version: 4 });
  await pool(tenant, scope, "10.0.0.0/8");
  const refused = async (prefix: string, id = scope.id): Promise<string> =>
    errorOf(
      await tenant.call("POST", "/v2.0/subnetpools", {
        subnetpool: { name: "p", prefixes: [prefix], address_scope_id: id },
      }),
    ).type;
  assert.equal(await refused("10.1.0.0/16"), "AddressScopePrefixConflict");
  assert.equal(await refused("fd00::/48"), "IllegalSubnetPoolIpVersionAssociation");
  assert.equal(await refused("11.0.0.0/8", "nowhere"), "IllegalSubnetPoolAssociationToAddressScope");
  const apart = await pool(tenant, null, "10.2.0.0/16");
  const moved = await tenant.call("PUT", `/v2.0/subnetpools/${apart.id}`, {
    subnetpool: { address_scope_id: scope.id },
  });
  assert.deepEqual([moved.status, errorOf(moved).type], [409, "AddressScopePrefixConflict"]);
});

test("within a scope nothing is translated; a network says which scopes it is in", async () => {
  const tenant = world.tenant();
  const scope = await world.operator.create("address_scope", { name: "s", ip_version: 4, shared: true });
  const outside = await pool(world.operator, scope, "198.51.100.0/24");
  const external = await world.operator.create("network", { name: "out", "router:external": true });
  await world.operator.create("subnet", { network_id: external.id, subnetpool_id: outside.id, ip_version: 4 });
  const inside = await pool(tenant, scope, "10.0.0.0/16");
  const router = await tenant.create("router", { external_gateway_info: { network_id: external.id } });
  const networks = [];
  for (const from of [{ subnetpool_id: inside.id }, { cidr: "192.168.7.0/24" }]) {
    const network = await tenant.create("network", { name: "n" });
    const subnet = await tenant.create("subnet", { network_id: network.id, ip_version: 4, ...from });
    await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
    networks.push(await tenant.show("network", network.id));
  }
  assert.deepEqual(
    networks.map((network) => [network["ipv4_address_scope"], network["ipv6_address_scope"]]),
    [
      [scope.id, null],
      [null, null],
    ],
  );
  const wanted = async () => (await findWantedRouter(world.test.app.db, router.id))?.internalCidrs;
  assert.deepEqual(await wanted(), ["192.168.7.0/24"]);
  const out = { subnetpool: { address_scope_id: null } };
  await tenant.expect(200, "PUT", `/v2.0/subnetpools/${inside.id}`, out);
  assert.deepEqual(await wanted(), ["10.0.0.0/24", "192.168.7.0/24"]);
});
