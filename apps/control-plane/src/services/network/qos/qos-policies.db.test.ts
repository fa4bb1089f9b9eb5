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
  externalNetwork,
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

const manager = (): Tenant => world.tenant(undefined, "manager");
const rules = (policyId: string, type = "bandwidth_limit"): string => `/v2.0/qos/policies/${policyId}/${type}_rules`;

async function limited(tenant: Tenant, values: object = { max_kbps: 20_000 }): Promise<{ policy: Wire; rule: Wire }> {
  const policy = await tenant.create("policy", { name: "gold" });
  const made = await tenant.expect(201, "POST", rules(policy.id), { bandwidth_limit_rule: values });
  return { policy, rule: made["bandwidth_limit_rule"] as Wire };
}

/** What OVN has for the owner: rate and burst by direction. */
const shapes = (id: string): { [direction: string]: { [key: string]: number } } =>
  Object.fromEntries(
    [...ovn.client.table("QoS").rows.values()]
      .filter((row) => JSON.stringify(row.external_ids).includes(id))
      .map((row) => [row.direction, { ...row.bandwidth, ...row.action }]),
  );

test("a policy's life, and its rules'", async () => {
  const tenant = manager();
  const { policy, rule } = await limited(tenant);
  assert.deepEqual(rule, { id: rule.id, max_kbps: 20_000, max_burst_kbps: 0, direction: "egress" });
  const dscp = await tenant.expect(201, "POST", rules(policy.id, "dscp_marking"), {
    dscp_marking_rule: { dscp_mark: 26 },
  });
  assert.equal((dscp["dscp_marking_rule"] as { dscp_mark: number }).dscp_mark, 26);
  const shown = await tenant.show("policy", policy.id);
  assert.deepEqual(
    (shown["rules"] as { type: string; qos_policy_id: string }[])
      .map((one) => [one.type, one.qos_policy_id])
      .toSorted(([one = ""], [other = ""]) => (one < other ? -1 : 1)),
    [
      ["bandwidth_limit", policy.id],
      ["dscp_marking", policy.id],
    ],
  );
  assert.equal(shown["revision_number"], 3);
  const url = `${rules(policy.id)}/${rule.id}`;
  const changed = await tenant.expect(200, "PUT", url, { bandwidth_limit_rule: { max_kbps: 5, direction: "ingress" } });
  assert.deepEqual(changed["bandwidth_limit_rule"], { ...rule, max_kbps: 5, direction: "ingress" });
  const alias = `/v2.0/qos/alias_bandwidth_limit_rules/${rule.id}`;
  assert.deepEqual((await tenant.expect(200, "GET", alias))["bandwidth_limit_rule"], changed["bandwidth_limit_rule"]);
  await tenant.expect(404, "GET", `/v2.0/qos/alias_dscp_marking_rules/${rule.id}`);
  await tenant.expect(204, "DELETE", alias);
  await tenant.expect(404, "GET", url);
  await tenant.expect(204, "DELETE", `/v2.0/qos/policies/${policy.id}`);
  await tenant.expect(404, "GET", `/v2.0/qos/policies/${policy.id}`);
});

test("rules that do not go together, or make no sense, are refused", async () => {
  const tenant = manager();
  const { policy } = await limited(tenant);
  const refused = async (type: string, values: object): Promise<[number, string]> => {
    const answer = await tenant.call("POST", rules(policy.id, type), { [`${type}_rule`]: values });
    return [answer.status, errorOf(answer).type];
  };
  assert.deepEqual(await refused("bandwidth_limit", { max_kbps: 1 }), [409, "QosRulesConflict"]);
  assert.deepEqual(await refused("minimum_bandwidth", { min_kbps: 30_000 }), [409, "QoSRuleParameterConflict"]);
  assert.equal((await refused("dscp_marking", { dscp_mark: 27 }))[0], 400);
  assert.equal((await refused("bandwidth_limit", { max_kbps: -1 }))[0], 400);
  assert.equal((await refused("bandwidth_limit", { max_kbps: 2_147_483_648 }))[0], 400);
  assert.equal((await refused("bandwidth_limit", { max_burst_kbps: 5 }))[0], 400);
});

test("members use policies, managers make them, others do not see them", async () => {
  const tenant = manager();
  const { policy } = await limited(tenant);
  const member = world.tenant(tenant.projectId);
  await member.expect(403, "POST", "/v2.0/qos/policies", { policy: { name: "own" } });
  await member.expect(200, "GET", `/v2.0/qos/policies/${policy.id}`);
  const stranger = world.tenant();
  await stranger.expect(404, "GET", `/v2.0/qos/policies/${policy.id}`);
  await stranger.expect(404, "GET", rules(policy.id));
  const { network } = await networkWithSubnet(stranger);
  await stranger.expect(404, "POST", "/v2.0/ports", { port: { network_id: network.id, qos_policy_id: policy.id } });
  await tenant.expect(403, "POST", "/v2.0/qos/policies", { policy: { name: "all", shared: true } });
});

test("a project's default policy is that of its new networks; there is one at most", async () => {
  const tenant = manager();
  const policy = await tenant.create("policy", { name: "usual", is_default: true });
  const answer = await tenant.call("POST", "/v2.0/qos/policies", { policy: { name: "too", is_default: true } });
  assert.deepEqual([answer.status, errorOf(answer).type], [409, "QoSPolicyDefaultAlreadyExists"]);
  assert.equal((await tenant.create("network", { name: "n" }))["qos_policy_id"], policy.id);
  assert.equal((await tenant.create("network", { name: "n", qos_policy_id: null }))["qos_policy_id"], null);
});

test("what a port goes by is its own policy or its network's, and OVN hears of every change", async () => {
  const tenant = manager();
  const { policy, rule } = await limited(tenant);
  const { network } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id });
  await world.test.drain();
  assert.deepEqual(shapes(port.id), {});
  await tenant.expect(200, "PUT", `/v2.0/networks/${network.id}`, { network: { qos_policy_id: policy.id } });
  await world.test.drain();
  assert.deepEqual(shapes(port.id), { "from-lport": { rate: 20_000, burst: 16_000 } });
  const [listed] = await tenant.list("port", `?id=${port.id}`);
  assert.deepEqual([listed?.["qos_policy_id"], listed?.["qos_network_policy_id"]], [null, policy.id]);

  await tenant.expect(200, "PUT", `${rules(policy.id)}/${rule.id}`, {
    bandwidth_limit_rule: { max_kbps: 1_000, max_burst_kbps: 300 },
  });
  await world.test.drain();
  assert.deepEqual(shapes(port.id), { "from-lport": { rate: 1_000, burst: 300 } });

  const own = await tenant.create("policy", { name: "own" });
  await tenant.expect(201, "POST", rules(own.id, "dscp_marking"), { dscp_marking_rule: { dscp_mark: 46 } });
  await tenant.expect(200, "PUT", `/v2.0/ports/${port.id}`, { port: { qos_policy_id: own.id } });
  await world.test.drain();
  assert.deepEqual(shapes(port.id), { "from-lport": { dscp: 46 } });
  const used = await tenant.call("DELETE", `/v2.0/qos/policies/${own.id}`);
  assert.deepEqual([used.status, errorOf(used).type], [409, "QosPolicyInUse"]);
  await tenant.expect(200, "PUT", `/v2.0/ports/${port.id}`, { port: { qos_policy_id: null } });
  await tenant.expect(200, "PUT", `/v2.0/networks/${network.id}`, { network: { qos_policy_id: null } });
  await world.test.drain();
  assert.deepEqual(shapes(port.id), {});
  await tenant.expect(204, "DELETE", `/v2.0/qos/policies/${own.id}`);
});

test("floating IPs and gateways go by policies too", async () => {
  const tenant = manager();
  const { policy } = await limited(tenant, { max_kbps: 9_000, direction: "ingress" });
  const external = await externalNetwork(world.operator);
  const gateway = { network_id: external.network.id, qos_policy_id: policy.id };
  const router = await tenant.create("router", { name: "r", external_gateway_info: gateway });
  assert.equal((router["external_gateway_info"] as { qos_policy_id: string }).qos_policy_id, policy.id);
  const { network, subnet } = await networkWithSubnet(tenant);
  await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const port = await tenant.create("port", { network_id: network.id });
  const floatingIp = await tenant.create("floatingip", {
    floating_network_id: external.network.id,
    port_id: port.id,
    qos_policy_id: policy.id,
  });
  await world.test.drain();
  const shaped = { "to-lport": { rate: 9_000, burst: 7_200 } };
  assert.deepEqual([shapes(router.id), shapes(floatingIp.id)], [shaped, shaped]);
  await tenant.expect(200, "PUT", `/v2.0/floatingips/${floatingIp.id}`, { floatingip: { qos_policy_id: null } });
  const info = { external_gateway_info: { network_id: external.network.id, qos_policy_id: null } };
  await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}`, { router: info });
  await world.test.drain();
  assert.deepEqual([shapes(router.id), shapes(floatingIp.id)], [{}, {}]);
});

test("what an operator imposed, a tenant does not take away", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant);
  const policy = await world.operator.create("policy", { name: "imposed" });
  await world.operator.expect(200, "PUT", `/v2.0/networks/${network.id}`, { network: { qos_policy_id: policy.id } });
  const answer = await tenant.call("PUT", `/v2.0/networks/${network.id}`, { network: { qos_policy_id: null } });
  assert.deepEqual([answer.status, errorOf(answer).type], [403, "PolicyRemoveAuthorizationError"]);
  assert.equal((await tenant.show("network", network.id))["qos_policy_id"], policy.id);
});

test("types of rules, with their parameters for operators", async () => {
  const tenant = world.tenant();
  const { rule_types: types } = await tenant.expect(200, "GET", "/v2.0/qos/rule-types");
  assert.deepEqual(types, [{ type: "bandwidth_limit" }, { type: "dscp_marking" }, { type: "minimum_bandwidth" }]);
  await tenant.expect(403, "GET", "/v2.0/qos/rule-types/dscp_marking");
  const { rule_type: type } = await world.operator.expect(200, "GET", "/v2.0/qos/rule-types/dscp_marking");
  assert.equal((type as { drivers: { name: string }[] }).drivers[0]?.name, "ovn");
});
