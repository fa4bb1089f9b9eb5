import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type ComputeLab, createComputeLab } from "../testing/compute-lab.ts";
import { FakeAgent } from "../testing/fake-agent.ts";

describe("where servers go", () => {
  let lab: ComputeLab;
  const second = new FakeAgent({ hostname: "second.example" });
  before(async () => {
    lab = await createComputeLab({ others: { host2: second } });
    await second.fullReport();
    const raised = await admin("PUT", "/os-quota-class-sets/default", {
      quota_class_set: { instances: 100, cores: 100 },
    });
    assert.equal(raised.status, 200, raised.text);
  });
  after(() => lab.close());

  const admin = (method: string, path: string, body?: unknown, version = "2.93") =>
    lab.call(method, path, body, { token: lab.adminToken, version });
  async function makeGroup(group: object): Promise<string> {
    const made = await lab.call("POST", "/os-server-groups", { server_group: { name: "g", ...group } });
    assert.equal(made.status, 200, made.text);
    return made.body.server_group.id;
  }
  const bootIn = (group: string, more: object = {}): Promise<string> =>
    lab.boot(more, { top: { "os:scheduler_hints": { group } } });
  async function hostOf(id: string): Promise<string> {
    const [row] = await lab.app.db<{ host: string | null }[]>`select host from server where id = ${id}`;
    return row?.host ?? "none";
  }
  async function settled(id: string, status: string): Promise<void> {
    await waitUntil(`${id} ${status}`, async () => (await lab.status(id)) === status, {
      timeoutMs: 15_000,
      everyMs: 10,
    });
  }

  it("affinity: all on one host; anti-affinity: none on the same, and no third host is an ERROR", async () => {
    const together = await makeGroup({ policy: "affinity" });
    const [a, b] = [await bootIn(together), await bootIn(together)];
    assert.equal(await hostOf(a), await hostOf(b));
    const apart = await makeGroup({ policy: "anti-affinity" });
    const [c, d] = await Promise.all([bootIn(apart), bootIn(apart)]);
    assert.notEqual(await hostOf(c), await hostOf(d));
    const third = await bootIn(apart);
    await settled(third, "ERROR");
    const shown = await lab.call("GET", `/os-server-groups/${apart}`);
    assert.deepEqual(shown.body.server_group.members.toSorted(), [c, d, third].toSorted());
    assert.deepEqual((await lab.call("GET", `/servers/${c}`)).body.server.server_groups, [apart]);
  });

  it("max_server_per_host, soft policies, several at once", async () => {
    const two = await makeGroup({ policy: "anti-affinity", rules: { max_server_per_host: 2 } });
    const hosts = await Promise.all((await Promise.all([1, 2, 3, 4].map(() => bootIn(two)))).map(hostOf));
    assert.deepEqual(hosts.toSorted(), ["host1", "host1", "host2", "host2"]);
    const soft = await makeGroup({ policy: "soft-anti-affinity" });
    await bootIn(soft, { min_count: 2, max_count: 2 });
    const rows = await lab.app.db<{ host: string }[]>`
      select s.host from server s join server_group_member m on m.server_id = s.id where m.group_id = ${soft}`;
    assert.deepEqual(rows.map(({ host }) => host).toSorted(), ["host1", "host2"]);
    const wrong = { server_group: { name: "g", policy: "affinity", rules: { max_server_per_host: 2 } } };
    assert.equal((await lab.call("POST", "/os-server-groups", wrong)).status, 400);
  });

  it("a group that is not there, or somebody else's, is the request's fault", async () => {
    const server = { name: "n", flavorRef: "tiny", imageRef: lab.imageId, networks: "none" };
    const group = "7f3c2b1e-0d5a-4f6b-9c8d-1a2b3c4d5e6f";
    const answer = await lab.call("POST", "/servers", { server, "os:scheduler_hints": { group } });
    assert.equal(answer.status, 400);
    assert.match(answer.body.badRequest.message, /Instance group .* could not be found/);
  });

  it("quotas of groups and of their members hold, also against racing requests", async () => {
    const owner = lab.tokenFor({ roles: ["member"], projectId: "quota-of-groups" });
    const post = () =>
      lab.call("POST", "/os-server-groups", { server_group: { name: "g", policy: "affinity" } }, { token: owner });
    const answers = await Promise.all(Array.from({ length: 14 }, post));
    assert.equal(answers.filter(({ status }) => status === 200).length, 10);
    assert.equal(answers.filter(({ status }) => status === 403).length, 4);
  });

  it("an aggregate puts its hosts in a zone, and servers find it", async () => {
    const made = await admin("POST", "/os-aggregates", { aggregate: { name: "fast", availability_zone: "paris" } });
    assert.equal(made.status, 200, made.text);
    const { id, uuid } = made.body.aggregate;
    assert.match(uuid, /-/);
    const act = (body: object) => admin("POST", `/os-aggregates/${id}/action`, body);
    assert.equal((await act({ add_host: { host: "nobody" } })).status, 404);
    const added = await act({ add_host: { host: "host2" } });
    assert.deepEqual([added.status, added.body.aggregate.hosts], [200, ["host2"]]);
    assert.equal((await act({ add_host: { host: "host2" } })).status, 409);
    const zones = (await lab.call("GET", "/os-availability-zone")).body.availabilityZoneInfo;
    assert.deepEqual(zones.map((zone: { zoneName: string }) => zone.zoneName).toSorted(), ["nova", "paris"]);
    const there = await lab.boot({ availability_zone: "paris" });
    assert.equal(await hostOf(there), "host2");
    const moved = await admin("PUT", `/os-aggregates/${id}`, { aggregate: { availability_zone: "lyon" } });
    assert.equal(moved.status, 400, "servers are there");
    const other = await admin("POST", "/os-aggregates", { aggregate: { name: "other", availability_zone: "lyon" } });
    const second = other.body.aggregate.id;
    assert.equal((await admin("POST", `/os-aggregates/${second}/action`, { add_host: { host: "host2" } })).status, 409);
    assert.equal((await admin("DELETE", `/os-aggregates/${id}`)).status, 400, "it is not empty");
  });

  it("a flavor that asks for hosts of a kind gets one", async () => {
    const made = await admin("POST", "/os-aggregates", { aggregate: { name: "ssd" } });
    const { id } = made.body.aggregate;
    await admin("POST", `/os-aggregates/${id}/action`, { add_host: { host: "host1" } });
    const set = await admin("POST", `/os-aggregates/${id}/action`, { set_metadata: { metadata: { disk: "ssd" } } });
    assert.deepEqual(set.body.aggregate.metadata, { disk: "ssd" });
    await admin("POST", "/flavors", { flavor: { id: "ssd", name: "ssd", ram: 64, vcpus: 1, disk: 1 } });
    const specs = { "aggregate_instance_extra_specs:disk": "ssd" };
    await admin("POST", "/flavors/ssd/os-extra_specs", { extra_specs: specs });
    const [a, b] = [await lab.boot({ flavorRef: "ssd" }), await lab.boot({ flavorRef: "ssd" })];
    assert.deepEqual([await hostOf(a), await hostOf(b)], ["host1", "host1"]);
  });

  it("a host that an operator says is down gets nothing", async () => {
    const services = (await admin("GET", "/os-services")).body.services;
    const { id } = services.find((one: { host: string }) => one.host === "host1");
    const down = await admin("PUT", `/os-services/${id}`, { forced_down: true });
    assert.deepEqual([down.body.service.forced_down, down.body.service.state], [true, "down"]);
    assert.equal(await hostOf(await lab.boot()), "host2");
    await admin("PUT", `/os-services/${id}`, { forced_down: false });
    assert.equal((await admin("DELETE", `/os-services/${id}`)).status, 409, "it has servers");
  });

  it("usage: hours of what runs and of what ran", async () => {
    const id = await lab.boot();
    await settled(id, "ACTIVE");
    await lab.call("DELETE", `/servers/${id}`);
    await settled(id, "404");
    const at = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19);
    const shown = await lab.call("GET", `/os-simple-tenant-usage/${lab.projectId}?start=${at}`);
    assert.equal(shown.status, 200, shown.text);
    const gone = shown.body.tenant_usage.server_usages.find((one: { instance_id: string }) => one.instance_id === id);
    assert.deepEqual([gone.state, gone.memory_mb, gone.vcpus], ["terminated", 128, 1]);
    assert.ok(gone.hours > 0 && gone.hours < 0.1);
    const page = await lab.call("GET", `/os-simple-tenant-usage/${lab.projectId}?start=${at}&limit=1`);
    assert.equal(page.body.tenant_usage.server_usages.length, 1);
    assert.match(page.body.tenant_usage_links[0].href, /marker=/);
    assert.equal((await lab.call("GET", "/os-simple-tenant-usage/somebody-else")).status, 403);
    assert.equal((await lab.call("GET", `/os-simple-tenant-usage/${lab.projectId}?start=yesterday`)).status, 400);
  });
});
