import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type Tenant, type World, createWorld, errorOf, networkWithSubnet } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

const share = (owner: Tenant, type: string, id: string, target: string, action = "access_as_shared") =>
  owner.create("rbac_policy", { object_type: type, object_id: id, action, target_tenant: target });
const seen = async (tenant: Tenant, kind: string, id: string): Promise<boolean> =>
  (await tenant.list(kind)).some((one) => one.id === id);

test("a network is shared with one project, which uses it, until nobody does", async () => {
  const [owner, friend, stranger] = [world.tenant(), world.tenant(), world.tenant()];
  const { network, subnet } = await networkWithSubnet(owner);
  const policy = await share(owner, "network", network.id, friend.projectId);
  assert.deepEqual(policy, {
    id: policy.id,
    project_id: owner.projectId,
    tenant_id: owner.projectId,
    object_type: "network",
    object_id: network.id,
    action: "access_as_shared",
    target_project: friend.projectId,
    target_tenant: friend.projectId,
  });
  assert.deepEqual(await owner.show("rbac_policy", policy.id), policy);
  assert.deepEqual(await owner.list("rbac_policy"), [policy]);
  await friend.expect(404, "GET", `/v2.0/rbac-policies/${policy.id}`);

  assert.equal((await friend.show("network", network.id))["shared"], true);
  assert.equal((await owner.show("network", network.id))["shared"], false);
  assert.equal(await seen(friend, "network", network.id), true);
  assert.equal((await friend.list("network", "?shared=true")).length, 1);
  assert.equal((await friend.list("network", "?shared=false")).length, 0);
  assert.equal(await seen(friend, "subnet", subnet.id), true);
  assert.equal(await seen(stranger, "network", network.id), false);
  await stranger.expect(404, "POST", "/v2.0/ports", { port: { network_id: network.id } });
  await friend.expect(403, "PUT", `/v2.0/networks/${network.id}`, { network: { name: "mine" } });

  const port = await friend.create("port", { network_id: network.id });
  const used = await owner.call("DELETE", `/v2.0/rbac-policies/${policy.id}`);
  assert.deepEqual([used.status, errorOf(used).type], [409, "RbacPolicyInUse"]);
  const moved = await owner.call("PUT", `/v2.0/rbac-policies/${policy.id}`, {
    rbac_policy: { target_tenant: stranger.projectId },
  });
  assert.deepEqual([moved.status, errorOf(moved).type], [409, "RbacPolicyInUse"]);
  await friend.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
  await owner.expect(200, "PUT", `/v2.0/rbac-policies/${policy.id}`, {
    rbac_policy: { target_tenant: stranger.projectId },
  });
  assert.deepEqual(
    [await seen(friend, "network", network.id), await seen(stranger, "network", network.id)],
    [false, true],
  );
  await owner.expect(204, "DELETE", `/v2.0/rbac-policies/${policy.id}`);
  assert.equal(await seen(stranger, "network", network.id), false);
});

test("who may share what, and with whom", async () => {
  const [owner, friend] = [world.tenant(), world.tenant()];
  const network = await owner.create("network", { name: "n" });
  const body = { object_type: "network", object_id: network.id, action: "access_as_shared", target_tenant: "p" };
  const refused = async (tenant: Tenant, over: object): Promise<number> =>
    (await tenant.call("POST", "/v2.0/rbac-policies", { rbac_policy: { ...body, ...over } })).status;
  assert.equal(await refused(owner, { target_tenant: "*" }), 403);
  assert.equal(await refused(owner, { action: "access_as_external" }), 403);
  assert.equal(await refused(friend, {}), 404);
  assert.equal(await refused(owner, { object_type: "router" }), 400);
  assert.equal(await refused(owner, { action: "access_as_owner" }), 400);
  await share(owner, "network", network.id, friend.projectId);
  assert.equal(await refused(friend, {}), 400);
  const twice = await owner.call("POST", "/v2.0/rbac-policies", {
    rbac_policy: { ...body, target_tenant: friend.projectId },
  });
  assert.deepEqual([twice.status, errorOf(twice).type], [409, "DuplicateRbacPolicy"]);
});

test("`shared` of a network and a policy for everybody are one thing", async () => {
  const [owner, other] = [world.tenant(), world.tenant()];
  const network = await owner.create("network", { name: "n" });
  await world.operator.expect(200, "PUT", `/v2.0/networks/${network.id}`, { network: { shared: true } });
  const [policy] = await owner.list("rbac_policy");
  assert.deepEqual([policy?.["target_tenant"], policy?.["object_id"]], ["*", network.id]);
  assert.equal(await seen(other, "network", network.id), true);
  const { network: closed } = await world.operator.expect(200, "PUT", `/v2.0/networks/${network.id}`, {
    network: { shared: false },
  });
  assert.equal((closed as { shared: boolean }).shared, false);
  assert.deepEqual(await owner.list("rbac_policy"), []);
  await share(world.operator, "network", network.id, "*");
  assert.equal((await owner.show("network", network.id))["shared"], true);
  await owner.expect(204, "DELETE", `/v2.0/networks/${network.id}`);
  assert.deepEqual(await world.operator.list("rbac_policy", `?object_id=${network.id}`), []);
});

test("a way out for one project only", async () => {
  const [chosen, other] = [world.tenant(), world.tenant()];
  const { network, subnet } = await networkWithSubnet(world.operator, "198.51.100.0/24");
  const policy = await share(world.operator, "network", network.id, chosen.projectId, "access_as_external");
  assert.equal((await chosen.show("network", network.id))["router:external"], true);
  assert.equal(await seen(other, "network", network.id), false);
  assert.equal(await seen(chosen, "subnet", subnet.id), false);
  const gateway = { external_gateway_info: { network_id: network.id } };
  await other.expect(404, "POST", "/v2.0/routers", { router: gateway });
  const router = await chosen.create("router", gateway);
  await chosen.expect(403, "POST", "/v2.0/ports", { port: { network_id: network.id } });
  const used = await world.operator.call("DELETE", `/v2.0/rbac-policies/${policy.id}`);
  assert.deepEqual([used.status, errorOf(used).type], [409, "RbacPolicyInUse"]);
  await chosen.expect(204, "DELETE", `/v2.0/routers/${router.id}`);
  await world.operator.expect(204, "DELETE", `/v2.0/rbac-policies/${policy.id}`);
  assert.equal(await seen(chosen, "network", network.id), false);
});

test("groups, scopes, pools, address groups and QoS policies are shared the same way", async () => {
  const [owner, friend] = [world.tenant(undefined, "manager"), world.tenant()];
  const objects = {
    security_group: await owner.create("security_group", { name: "web" }),
    address_scope: await owner.create("address_scope", { name: "s", ip_version: 4 }),
    address_group: await owner.create("address_group", { name: "a", addresses: ["10.0.0.0/8"] }),
    subnetpool: await owner.create("subnetpool", { name: "p", prefixes: ["10.0.0.0/8"], default_prefixlen: 24 }),
    qos_policy: await owner.create("policy", { name: "q" }),
  };
  const kinds: { [type: string]: string } = { qos_policy: "policy" };
  const policies = [];
  for (const [type, { id }] of Object.entries(objects)) {
    const kind = kinds[type] ?? type;
    assert.equal(await seen(friend, kind, id), false, type);
    policies.push(await share(owner, type, id, friend.projectId));
    assert.equal((await friend.show(kind, id))["shared"], true, type);
    assert.equal(await seen(friend, kind, id), true, type);
    await friend.expect(
      403,
      "DELETE",
      `/v2.0/${kind === "policy" ? "qos/policies" : `${type.replace("_", "-")}s`}/${id}`,
    );
  }
  const { network } = await networkWithSubnet(friend, "192.168.0.0/24");
  const port = await friend.create("port", {
    network_id: network.id,
    security_groups: [objects.security_group.id],
    qos_policy_id: objects.qos_policy.id,
  });
  const own = await friend.create("security_group", { name: "own" });
  await friend.create("security_group_rule", {
    security_group_id: own.id,
    direction: "ingress",
    remote_address_group_id: objects.address_group.id,
  });
  await friend.create("subnet", { network_id: network.id, subnetpool_id: objects.subnetpool.id, ip_version: 4 });
  await friend.create("subnetpool", {
    name: "in",
    prefixes: ["172.16.0.0/12"],
    address_scope_id: objects.address_scope.id,
  });
  for (const policy of policies) {
    const used = await owner.call("DELETE", `/v2.0/rbac-policies/${policy.id}`);
    assert.deepEqual([used.status, errorOf(used).type], [409, "RbacPolicyInUse"], String(policy["object_type"]));
  }
  await friend.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
});

test("the quota holds", async () => {
  const owner = world.tenant();
  await world.setQuota(owner, { rbac_policy: 1 });
  const network = await owner.create("network", { name: "n" });
  await share(owner, "network", network.id, "a");
  const answer = await owner.call("POST", "/v2.0/rbac-policies", {
    rbac_policy: { object_type: "network", object_id: network.id, action: "access_as_shared", target_tenant: "b" },
  });
  assert.deepEqual([answer.status, errorOf(answer).type], [409, "OverQuota"]);
  const { quota } = await owner.expect(200, "GET", `/v2.0/quotas/${owner.projectId}/details.json`);
  assert.deepEqual((quota as { rbac_policy: object }).rbac_policy, { limit: 1, used: 1, reserved: 0 });
});
