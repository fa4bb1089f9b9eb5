import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { listRulesWithAddresses } from "../security-group-rules/security-group-rule.queries.ts";
import { type World, createWorld, errorOf } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

test("a group's life: addresses come and go, each once", async () => {
  const tenant = world.tenant();
  const group = await tenant.create("address_group", { name: "a", addresses: ["10.0.0.7/8", "fd00::1"] });
  assert.deepEqual(group["addresses"], ["10.0.0.0/8", "fd00::1/128"]);
  const act = (action: string, addresses: string[]) =>
    tenant.call("PUT", `/v2.0/address-groups/${group.id}/${action}`, { addresses });
  const added = await act("add_addresses", ["192.0.2.0/24"]);
  assert.deepEqual((added.body as { address_group: { addresses: string[] } }).address_group.addresses, [
    "10.0.0.0/8",
    "fd00::1/128",
    "192.0.2.0/24",
  ]);
  assert.equal(errorOf(await act("add_addresses", ["10.0.0.0/8"])).type, "AddressesAlreadyExist");
  assert.equal(errorOf(await act("remove_addresses", ["11.0.0.0/8"])).type, "AddressesNotFound");
  assert.equal((await act("add_addresses", ["nonsense"])).status, 400);
  assert.equal((await act("remove_addresses", ["fd00::1"])).status, 200);
  assert.deepEqual((await tenant.show("address_group", group.id))["addresses"], ["10.0.0.0/8", "192.0.2.0/24"]);
  await tenant.expect(204, "DELETE", `/v2.0/address-groups/${group.id}`);
  await tenant.expect(404, "GET", `/v2.0/address-groups/${group.id}`);
});

test("a rule names a group, which then stays", async () => {
  const tenant = world.tenant();
  const addresses = await tenant.create("address_group", { addresses: ["10.0.0.0/8"] });
  const group = await tenant.create("security_group", { name: "g" });
  const wire = { security_group_id: group.id, direction: "ingress", remote_address_group_id: addresses.id };
  const rule = await tenant.create("security_group_rule", wire);
  assert.equal(rule["remote_address_group_id"], addresses.id);
  const rows = await listRulesWithAddresses(world.test.app.db, group.id);
  assert.deepEqual(rows.find((row) => row.id === rule.id)?.remoteAddresses, ["10.0.0.0/8"]);
  const used = await tenant.call("DELETE", `/v2.0/address-groups/${addresses.id}`);
  assert.deepEqual([used.status, errorOf(used).type], [409, "AddressGroupInUse"]);
  const twice = await tenant.call("POST", "/v2.0/security-group-rules", { security_group_rule: wire });
  assert.equal(errorOf(twice).type, "SecurityGroupRuleExists");
  const both = { security_group_rule: { ...wire, remote_ip_prefix: "10.0.0.0/8" } };
  await tenant.expect(400, "POST", "/v2.0/security-group-rules", both);
  const unknown = { security_group_rule: { ...wire, remote_address_group_id: "nowhere" } };
  await tenant.expect(404, "POST", "/v2.0/security-group-rules", unknown);
  await tenant.expect(204, "DELETE", `/v2.0/security-group-rules/${rule.id}`);
  await tenant.expect(204, "DELETE", `/v2.0/address-groups/${addresses.id}`);
});
