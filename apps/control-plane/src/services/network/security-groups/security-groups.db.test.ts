import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type Wire, type World, createWorld, errorOf } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

type Rule = { direction: string; ethertype: string; remote_group_id: string | null };
const shape = (group: Wire): string[] =>
  (group["security_group_rules"] as Rule[])
    .map(
      (rule) =>
        `${rule.direction} ${rule.ethertype} ${rule.remote_group_id === group.id ? "self" : rule.remote_group_id}`,
    )
    .toSorted();

test("a project's default group is there from the first look", async () => {
  const tenant = world.tenant();
  const [group, more] = await tenant.list("security_group");
  assert.ok(group !== undefined && more === undefined);
  assert.equal(group["name"], "default");
  assert.deepEqual(shape(group), ["egress IPv4 null", "egress IPv6 null", "ingress IPv4 self", "ingress IPv6 self"]);
  assert.deepEqual(
    [(await tenant.call("POST", "/v2.0/security-groups", { security_group: { name: "default" } })).status],
    [409],
  );
  await tenant.expect(409, "DELETE", `/v2.0/security-groups/${group.id}`);
  await tenant.expect(409, "PUT", `/v2.0/security-groups/${group.id}`, { security_group: { name: "x" } });
  // an operator may, and it comes back when it is needed
  const seen = await world.operator.list("security_group", `?tenant_id=${tenant.projectId}&name=default`);
  assert.deepEqual(
    seen.map((one) => one.id),
    [group.id],
  );
  await world.operator.expect(204, "DELETE", `/v2.0/security-groups/${group.id}`);
  const [again] = await tenant.list("security_group");
  assert.ok(again !== undefined && again.id !== group.id);
});

test("a group's life", async () => {
  const tenant = world.tenant();
  const made = await tenant.create("security_group", { name: "web", description: "d" });
  assert.deepEqual(shape(made), ["egress IPv4 null", "egress IPv6 null"]);
  assert.equal(made["stateful"], true);
  assert.deepEqual(await tenant.show("security_group", made.id), made);
  const { security_group: changed } = (await tenant.expect(200, "PUT", `/v2.0/security-groups/${made.id}`, {
    security_group: { name: "w", stateful: false },
  })) as { security_group: Wire };
  assert.deepEqual([changed["name"], changed["stateful"]], ["w", false]);
  await world.tenant().expect(404, "GET", `/v2.0/security-groups/${made.id}`);
  await tenant.expect(204, "DELETE", `/v2.0/security-groups/${made.id}`);
  await tenant.expect(404, "DELETE", `/v2.0/security-groups/${made.id}`);
});

test("a rule's life, with every field as sent", async () => {
  const tenant = world.tenant();
  const group = await tenant.create("security_group", { name: "g" });
  const other = await tenant.create("security_group", { name: "o" });
  const wires = [
    { protocol: "tcp", port_range_min: 22, port_range_max: 23, remote_ip_prefix: "10.0.0.0/8" },
    { protocol: "17", port_range_min: 53, port_range_max: 53 },
    { protocol: "icmp", port_range_min: 0, port_range_max: 0 },
    { protocol: "icmp", port_range_min: 11, port_range_max: null },
    { protocol: "ipv6-icmp", ethertype: "IPv6" },
    { remote_group_id: other.id, direction: "egress" },
  ];
  for (const wire of wires) {
    const asked = { security_group_id: group.id, direction: "ingress", ethertype: "IPv4", ...wire };
    const rule = await tenant.create("security_group_rule", asked);
    for (const [key, value] of Object.entries(asked)) assert.deepEqual(rule[key], value, key);
    assert.deepEqual(await tenant.show("security_group_rule", rule.id), rule);
  }
  const rules = await tenant.list("security_group_rule", `?security_group_id=${group.id}&direction=ingress`);
  assert.equal(rules.length, 5);
  await tenant.expect(204, "DELETE", `/v2.0/security-group-rules/${rules[0]?.id}`);
  await tenant.expect(404, "GET", `/v2.0/security-group-rules/${rules[0]?.id}`);
  // a group that is named by a rule takes the rule with it
  await tenant.expect(204, "DELETE", `/v2.0/security-groups/${other.id}`);
  assert.equal((await tenant.list("security_group_rule", `?remote_group_id=${other.id}`)).length, 0);
});

test("refused rules", async () => {
  const tenant = world.tenant();
  const group = await tenant.create("security_group", { name: "g" });
  const ok = {
    security_group_id: group.id,
    direction: "ingress",
    ethertype: "IPv4",
    protocol: "tcp",
    port_range_min: 80,
    port_range_max: 80,
  };
  const first = await tenant.create("security_group_rule", ok);
  for (const same of [ok, { ...ok, protocol: "6" }, { ...ok, remote_ip_prefix: "0.0.0.0/0" }]) {
    const answer = await tenant.call("POST", "/v2.0/security-group-rules", { security_group_rule: same });
    assert.deepEqual(
      [answer.status, errorOf(answer).message],
      [409, `Security group rule already exists. Rule id is ${first.id}.`],
    );
  }
  for (const remote of ["nonsense", crypto.randomUUID()]) {
    await tenant.expect(404, "POST", "/v2.0/security-group-rules", {
      security_group_rule: { ...ok, port_range_max: 81, remote_group_id: remote },
    });
  }
  await tenant.expect(404, "POST", "/v2.0/security-group-rules", {
    security_group_rule: { ...ok, security_group_id: crypto.randomUUID() },
  });
  await world
    .tenant()
    .expect(404, "POST", "/v2.0/security-group-rules", { security_group_rule: { ...ok, port_range_max: 90 } });
  await tenant.expect(400, "POST", "/v2.0/security-group-rules", { security_group_rule: { ...ok, colour: 1 } });
  await tenant.expect(400, "POST", "/v2.0/security-group-rules", {
    security_group_rule: { security_group_id: group.id },
  });
  const bulk = await tenant.call("POST", "/v2.0/security-group-rules", {
    security_group_rules: [
      { ...ok, port_range_max: 99 },
      { ...ok, port_range_max: 99 },
    ],
  });
  assert.equal(bulk.status, 409);
  assert.equal(
    (await tenant.list("security_group_rule", `?security_group_id=${group.id}&direction=ingress`)).length,
    1,
  );
});

test("racing creates of one rule: one is there; of many: never more than the quota", async () => {
  const tenant = world.tenant();
  const group = await tenant.create("security_group", { name: "g" });
  const wire = (port: number) => ({
    security_group_rule: {
      security_group_id: group.id,
      direction: "ingress",
      protocol: "udp",
      port_range_min: port,
      port_range_max: port,
    },
  });
  const same = await Promise.all(
    Array.from({ length: 8 }, () => tenant.call("POST", "/v2.0/security-group-rules", wire(1))),
  );
  assert.deepEqual(
    same.filter((answer) => answer.status !== 409).map((answer) => answer.status),
    [201],
  );
  await world.setQuota(tenant, { security_group_rule: 12 });
  const many = await Promise.all(
    Array.from({ length: 20 }, (_, index) => tenant.call("POST", "/v2.0/security-group-rules", wire(10 + index))),
  );
  // 4 of the default group, 2 of the group, 1 above
  assert.equal(many.filter((answer) => answer.status === 201).length, 5);
});

test("a group in use stays, also when it is taken into use at that moment", async () => {
  const tenant = world.tenant();
  const network = await tenant.create("network", {});
  for (let time = 0; time < 10; time++) {
    const group = await tenant.create("security_group", { name: "g" });
    const [port, gone] = await Promise.all([
      tenant.call("POST", "/v2.0/ports", { port: { network_id: network.id, security_groups: [group.id] } }),
      tenant.call("DELETE", `/v2.0/security-groups/${group.id}`),
    ]);
    assert.ok(
      (port.status === 201 && gone.status === 409) || (port.status === 404 && gone.status === 204),
      `${port.status} ${gone.status}`,
    );
    if (port.status === 201) {
      await tenant.expect(204, "DELETE", `/v2.0/ports/${(port.body as { port: Wire }).port.id}`);
      await tenant.expect(204, "DELETE", `/v2.0/security-groups/${group.id}`);
    }
  }
});
