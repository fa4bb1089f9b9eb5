/**
 * Walks the registry (registry/registry.ts): every table is some class's or has a reason not to be, every class lists,
 * exports and removes what the samples made, events are the ones that classes announce, no export shows a secret, and a
 * purge in the registry's order leaves nothing. A table or a class added tomorrow is walked tomorrow.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { systemOrigin } from "@andromede/platform/events/append";

import { transact } from "../db/transaction.ts";
import type { ResourceClass } from "../registry/registry.ts";
import { reconcilers, resourceClasses, services } from "../services.ts";
import { bodyOf, fillPath, headersOf, walkRoutes } from "./every-route.ts";
import { SAMPLE_PASSWORD, SAMPLE_SECRET, type Samples, makeSamples } from "./samples.ts";
import { type TestApp, createTestApp } from "./test-app.ts";

/** Tables that are no class's, and why. */
const NO_CLASS: { [table: string]: string } = {
  event: "the log itself: kept when a project goes, that is its point",
  event_tile: "the log's tree",
  event_checkpoint: "the log's signed heads",
  reconcile_queue: "work, not things",
  schema_migration: "the schema's own",
  signing_key: "the operator's, and secret",
  deleted_project: "what a purge has still to look at",
  password_history: "part of a user",
  group_member: "part of a group",
  role_implication: "part of a role",
  role_assignment: "part of the project, user or group it names: goes with it by foreign key",
  application_credential_role: "part of an application credential",
  application_credential_access_rule: "part of an application credential",
  trust_role: "part of a trust",
  metadef_item: "part of a namespace of metadata definitions",
  image_task: "work on an image: goes with it by foreign key",
  revocation: "what tokens are checked against: ids and times only",
  revocation_clock: "the same",
  ip_allocation: "part of a port",
  volume_group_volume_type: "part of a group of volumes",
  volume_usage: "part of a project's quota: goes with it",
  trunk_subport: "part of a trunk",
  qos_rule: "part of a QoS policy",
  auto_allocated_topology: "says which of the project's networks and routers it was given; goes with them",
  server_group_member: "part of a server and of a group: goes with either by foreign key",
  aggregate_host: "part of an aggregate",
  server_usage: "what servers were that are gone: part of what a project's quota counts, goes with it",
  compute_quota_class: "the operator's defaults of quotas",
  compute_user_quota: "part of a project's quota: goes with it",
  server_snapshot: "work on a server, which ends within hours; what it makes is an image",
  server_migration: "part of a server",
  object_usage: "part of a container: goes with it by foreign key",
  object_upload: "part of a container",
  object_part: "part of an upload",
  object_writer: "a process of the store's",
  object_chunk: "bytes of an object or part; the collector's when that is gone",
  object_pack: "bytes of many objects",
  object_damage: "what the scrub found",
  object_access_log: "lines of a container's log on their way into a bucket: minutes; an account's go with it",
  object_traffic: "what an account is metered by: goes with it",
};

/** Actions on what is kept in no table. */
const NO_CLASS_ACTIONS = new Set([
  "identity.token.issue",
  "identity.token.revoke",
  ...services.map(({ name }) => `${name}.request.refuse`),
  "object.request.refuse",
]);

/** Words of the same form in the sources that are no actions: members of a sign-in's body. */
const NO_ACTIONS = new Set(["identity.password.user", "identity.application_credential.user", "identity.totp.user"]);

/** Actions whose name is put together in the source. */
const COMPOSED = /^compute\.server\.|^image\.image\.|^network\.|\.request\.refuse$/;

/** Classes whose export is a value with defaults: every project has one, with a row or without. */
const ALWAYS_EXPORTED = new Set(["compute.quota", "network.quota", "volume.quota"]);

/** What names of classes and actions begin with. */
const PREFIXES = [...services.map(({ name }) => name), "object", "keys"].join("|");

const byOrder = resourceClasses.toSorted((a, b) => a.deleteOrder - b.deleteOrder);
const actionsOf = ({ name, verbs }: ResourceClass): string[] => verbs.map((verb) => `${name}.${verb}`);
const announced = new Set(resourceClasses.flatMap(actionsOf));

describe("every class", () => {
  let test: TestApp;
  let samples: Samples;

  before(async () => {
    test = await createTestApp({ services, reconcilers });
    samples = await makeSamples(test);
    await makeRest();
    await useEveryRoute();
  });
  after(() => test.close());

  async function call(method: string, url: string, body: unknown, token = test.adminToken): Promise<{ id?: string }> {
    const answer = await test.inject({ method, url, token, body });
    assert.ok(answer.status < 300, `${method} ${url}: ${answer.status} ${answer.text}`);
    return (answer.body ?? {}) as { id?: string };
  }

  /** What nobody makes for oneself: a private flavor and an image given by others, limits, a role, a key. */
  async function makeRest(): Promise<void> {
    const { projectId } = samples;
    await call("POST", "/compute/v2.1/flavors", {
      flavor: { id: "private", name: "private", ram: 64, vcpus: 1, disk: 1, "os-flavor-access:is_public": false },
    });
    await call("POST", "/compute/v2.1/flavors/private/action", { addTenantAccess: { tenant: projectId } });
    await call("PUT", `/compute/v2.1/os-quota-sets/${projectId}`, { quota_set: { instances: 20 } });
    await call("PUT", `/network/v2.0/quotas/${projectId}`, { quota: { network: 20 } });
    const giver = test.tokenFor();
    const { id = "" } = await call("POST", "/image/v2/images", { name: "given", visibility: "shared" }, giver);
    await call("POST", `/image/v2/images/${id}/members`, { member: projectId }, giver);
    const { volume_type: type } = (await call("POST", "/volume/v3/types", {
      volume_type: { name: "private", "os-volume-type-access:is_public": false },
    })) as { volume_type?: { id: string } };
    await call("POST", `/volume/v3/types/${type?.id ?? ""}/action`, { addProjectAccess: { project: projectId } });
    await call("PUT", `/volume/v3/os-quota-sets/${projectId}`, { quota_set: { volumes: 20 } });
    await test.app
      .db`insert into default_volume_type (project_id, volume_type_id) values (${projectId}, ${type?.id ?? ""})`;
    const [user, role] = [samples.idOf("users"), samples.idOf("roles")];
    await call("PUT", `/identity/v3/projects/${projectId}/users/${user}/roles/${role}`, undefined);
    await test.app.keys.wrapForProject(test.app.db, projectId, Buffer.from(SAMPLE_SECRET), "sample");
  }

  /** Sends a body that passes to every route that changes something and does not delete: many take it, and say so in the log. */
  async function useEveryRoute(): Promise<void> {
    for (const walked of walkRoutes(services)) {
      const { service, row } = walked;
      if (["GET", "HEAD", "DELETE"].includes(row.method) || row.body === "stream") continue;
      const role = service.rules.find((rule) => rule.name === row.rule)?.role ?? "admin";
      const answer = await test.inject({
        method: row.method,
        url: fillPath(service.mount, row.path, (collection) => samples.idOf(collection)),
        headers: headersOf(walked),
        token: role === "admin" || role === "manager" ? test.adminToken : samples.ownerToken,
        body: bodyOf(walked),
      });
      assert.ok(answer.status < 500, `${walked.name}: ${answer.status} ${answer.text}`);
    }
  }

  /** Tables, with the columns that name a project. */
  async function projectColumns(): Promise<{ table: string; column: string | null }[]> {
    return test.app.db<{ table: string; column: string | null }[]>`
      select t.table_name as table, c.column_name as column
      from information_schema.tables t
      left join information_schema.columns c on c.table_schema = t.table_schema and c.table_name = t.table_name
        and c.data_type = 'text' and (c.column_name like '%project_id' or c.column_name in ('owner', 'tenant_id', 'member_id'))
      where t.table_schema = 'public' and t.table_type = 'BASE TABLE'
      order by 1, 2`;
  }

  /** Ids of a class to try: what the project owns; for what is no project's, the samples. */
  async function idsOf(entry: ResourceClass): Promise<string[]> {
    if (entry.ownerColumn !== null) return entry.list(test.app, samples.projectId);
    const others: { [name: string]: string } = {
      "identity.user": samples.idOf("users"),
      "identity.group": samples.idOf("groups"),
      "identity.role": samples.idOf("roles"),
      "identity.domain": samples.idOf("domains"),
      "identity.access_rule": samples.idOf("access_rules"),
      "identity.registered_limit": samples.idOf("registered_limits"),
      "identity.service": samples.idOf("services"),
      "identity.endpoint": samples.idOf("endpoints"),
      "identity.region": samples.idOf("regions"),
      "compute.flavor": samples.idOf("flavors"),
      "volume.type": samples.idOf("types"),
      "volume.qos_specs": samples.idOf("qos-specs"),
      "volume.group_type": samples.idOf("group_types"),
      "compute.keypair": `${samples.idOf("users")}/${samples.idOf("os-keypairs")}`,
    };
    const id = others[entry.name];
    return id === undefined ? [] : [id];
  }

  it("has a table, and every table a class or a reason", async () => {
    const tables = await projectColumns();
    const names = new Set(tables.map(({ table }) => table));
    const owned = new Map(resourceClasses.map((entry) => [entry.table, entry]));
    for (const table of names) {
      assert.ok(owned.has(table) || table in NO_CLASS, `table ${table}: no class in the registry, no reason here`);
      assert.ok(!(owned.has(table) && table in NO_CLASS), `table ${table} has a class and a reason to have none`);
    }
    for (const table of Object.keys(NO_CLASS)) assert.ok(names.has(table), `${table} is no table`);
    for (const { name, table, ownerColumn } of resourceClasses) {
      assert.ok(names.has(table), `${name}: no table ${table}`);
      const columns = await test.app.db<
        { name: string }[]
      >`select column_name as name from information_schema.columns where table_name = ${table}`;
      if (ownerColumn !== null)
        assert.ok(
          columns.some((column) => column.name === ownerColumn),
          `${name}: ${ownerColumn}`,
        );
      const named = tables.filter((row) => row.table === table && row.column === "project_id");
      if (named.length > 0) assert.equal(ownerColumn, "project_id", `${name} has an owner and does not say so`);
    }
  });

  it("is named after its service, once", () => {
    assert.equal(new Set(resourceClasses.map(({ name }) => name)).size, resourceClasses.length);
    for (const { name } of resourceClasses) assert.match(name, new RegExp(`^(${PREFIXES})\\.[a-z_]+$`));
  });

  it("announces exactly the events that the sources make", () => {
    const root = join(import.meta.dirname, "../../..");
    const files = globSync("{control-plane,object-store}/src/**/*.ts", { cwd: root }).filter(
      (file) => !/\.test\.ts$|\/testing\//.test(file),
    );
    const text = files.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
    const made = new Set(
      [...text.matchAll(new RegExp(`"((?:${PREFIXES})\\.[a-z_]+\\.[a-zA-Z_]+)"`, "g"))].map((match) => match[1] ?? ""),
    );
    assert.ok(made.size > 60);
    for (const action of made) {
      assert.ok(
        announced.has(action) || NO_CLASS_ACTIONS.has(action) || NO_ACTIONS.has(action),
        `no class announces ${action}`,
      );
    }
    for (const action of [...announced, ...NO_CLASS_ACTIONS]) {
      assert.ok(made.has(action) || COMPOSED.test(action), `nothing makes ${action}`);
    }
  });

  it("lists what the samples made, and nothing for a stranger", async () => {
    for (const entry of resourceClasses.filter(({ ownerColumn }) => ownerColumn !== null)) {
      const ids = await entry.list(test.app, samples.projectId);
      assert.ok(ids.length > 0, `${entry.name}: no sample`);
      assert.deepEqual(await entry.list(test.app, "somebody-else"), [], entry.name);
    }
  });

  it("exports what it lists as plain data, without a secret", async () => {
    const secrets = [SAMPLE_PASSWORD, SAMPLE_SECRET, ...(await secretsAtRest())];
    assert.ok(secrets.length > 5);
    for (const entry of resourceClasses) {
      const ids = await idsOf(entry);
      for (const id of ids) {
        const exported = await entry.export(test.app, id);
        assert.ok(exported !== null, `${entry.name} ${id}: not exported`);
        const text = JSON.stringify(exported);
        assert.ok(text.length > 2, `${entry.name} ${id}: empty`);
        for (const secret of secrets) assert.ok(!text.includes(secret), `${entry.name} ${id} shows a secret: ${text}`);
      }
      const nothing = await entry.export(test.app, "there-is/none");
      assert.equal(nothing !== null, ALWAYS_EXPORTED.has(entry.name), entry.name);
    }
  });

  it("keeps secrets out of the event log", async () => {
    const secrets = [SAMPLE_PASSWORD, SAMPLE_SECRET, ...(await secretsAtRest())];
    const events = await test.app.db<{ body: string }[]>`select body from event`;
    for (const { body } of events) for (const secret of secrets) assert.ok(!body.includes(secret), body);
  });

  /** Every value in a column that holds a secret or what proves or opens one. */
  async function secretsAtRest(): Promise<string[]> {
    const columns = await test.app.db<{ table: string; column: string; type: string }[]>`
      select table_name as table, column_name as column, data_type as type from information_schema.columns
      where table_schema = 'public' and data_type in ('text', 'bytea')
        and (column_name ~ '(password|secret|wrapped|token_hash)' or (table_name, column_name) = ('server', 'seed'))`;
    assert.ok(columns.length >= 6);
    const rows = await Promise.all(
      columns.map(({ table, column, type }) =>
        test.app.db.unsafe<{ value: string }[]>(
          `select ${type === "bytea" ? `encode("${column}", 'base64')` : `"${column}"`} as value from "${table}" where "${column}" is not null`,
        ),
      ),
    );
    return rows.flat().map(({ value }) => value);
  }

  it("is purged in the registry's order, to the last row", async () => {
    const { projectId } = samples;
    for (const entry of byOrder.filter(({ ownerColumn }) => ownerColumn !== null)) {
      assert.ok("remove" in entry, `${entry.name}: what a project owns and cannot be removed stays for ever`);
      for (const id of await entry.list(test.app, projectId)) {
        await transact(test.app, systemOrigin("purge"), async (tx) => entry.remove?.(test.app, tx, id));
      }
      await waitUntil(`the end of ${entry.name}`, async () => (await entry.list(test.app, projectId)).length === 0, {
        timeoutMs: 20_000,
        everyMs: 20,
      });
    }
    await test.drain();
    for (const { table, column } of await projectColumns()) {
      if (column === null || table === "event") continue;
      const kept = table === "project_key" ? "and destroyed_at is null" : "";
      const rows = await test.app.db.unsafe(`select * from "${table}" where "${column}" = $1 ${kept}`, [projectId]);
      assert.deepEqual([...rows], [], `${table}.${column} still names the project`);
    }
  });

  it("did no event that no class announces", async () => {
    const seen = await test.app.db<{ action: string; n: number }[]>`
      select action, count(*)::int as n from event group by action order by action`;
    assert.ok(seen.length > 30, `only ${seen.length} kinds of event were seen`);
    for (const { action } of seen) {
      assert.ok(announced.has(action) || NO_CLASS_ACTIONS.has(action), `no class announces ${action}`);
    }
  });
});
