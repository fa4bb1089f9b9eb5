import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";

import { resourceClasses } from "../../../apps/control-plane/src/services.ts";
import { type Cloud, DATA, useCloud } from "../support/cloud.ts";
import { type Inventory, takeInventory } from "../support/inventory.ts";
import { run } from "../support/run.ts";

const PASSWORD = "Life-of-a-project-1";
const NAME = "life-of-a-project";
/** What comes of itself where other things are made, or is there only while work is under way. */
const BY_ITSELF = new Set(["keys.project_key"]);
const PASSING: { [className: string]: string } = {
  "volume.upload": "a volume on its way into an image: the image is what is made",
  "volume.message": "why some work failed",
};

type Made = { class: string; made: string; changed: boolean };

describe("the life of a project", () => {
  let cloud: Cloud;
  let project: string;
  let found: Inventory;
  let made: Made[];

  before(async () => {
    cloud = await useCloud();
    await removeEarlier();
    // The operators' own default group comes with their first look at the network.
    await cloud.operator("security", "group", "list", "-f", "json");
    found = await look();
  });

  /** What an interrupted run left. */
  async function removeEarlier(): Promise<void> {
    const projects: { ID: string; Name: string }[] = await cloud.operator("project", "list", "-f", "json");
    for (const { ID } of projects.filter((one) => one.Name === NAME))
      await cloud.andromede("project", "purge", ID, "--yes");
    const flavors: { ID: string; Name: string }[] = await cloud.operator("flavor", "list", "--all", "-f", "json");
    for (const { ID } of flavors.filter((one) => one.Name === "private")) await cloud.operator("flavor", "delete", ID);
    const users: { ID: string; Name: string }[] = await cloud.operator(
      "user",
      "list",
      "--domain",
      "default",
      "-f",
      "json",
    );
    for (const { ID } of users.filter((one) => one.Name === NAME)) await cloud.operator("user", "delete", ID);
    const types: { ID: string; Name: string }[] = await cloud.operator("volume", "type", "list", "-f", "json");
    for (const { ID } of types.filter((one) => one.Name === "private"))
      await cloud.operator("volume", "type", "delete", ID);
    const groups = ["--os-volume-api-version", "3.11", "volume", "group", "type"];
    const groupTypes: { ID: string; Name: string }[] = await cloud.operator(...groups, "list", "-f", "json");
    for (const { ID } of groupTypes.filter((one) => one.Name === "life")) await cloud.operator(...groups, "delete", ID);
    const limits: { ID: string; "Resource Name": string }[] = await cloud.operator(
      "registered",
      "limit",
      "list",
      "-f",
      "json",
    );
    for (const { ID } of limits.filter((one) => one["Resource Name"] === "life"))
      await cloud.operator("registered", "limit", "delete", ID);
    const images: { ID: string; Name: string }[] = await cloud.operator("image", "list", "--shared", "-f", "json");
    for (const { ID } of images.filter((one) => one.Name === "given")) await cloud.operator("image", "delete", ID);
  }

  /** What there is outside the tables: rows of OVN's, links, files, processes. */
  async function look(): Promise<Inventory> {
    const all = Object.entries(await takeInventory(cloud));
    return Object.fromEntries(all.filter(([what]) => !what.startsWith("rows of ")));
  }

  it("begins with a project and a user of its own", async () => {
    const { id }: { id: string } = await cloud.operator("project", "create", NAME, "--domain", "default", "-f", "json");
    project = id;
    const user = ["user", "create", NAME, "--domain", "default", "--password", PASSWORD, "-f", "json"];
    const { id: userId }: { id: string } = await cloud.operator(...user);
    await cloud.operator("role", "add", "--project", id, "--user", userId, "member");
  });

  it("has one of every class there is, and each is changed", async () => {
    const clouds = join(cloud.directory, "life-of-a-project.yaml");
    writeFileSync(clouds, withProject(readFileSync(join(cloud.directory, "clouds.yaml"), "utf8")), { mode: 0o600 });
    const script = join(import.meta.dirname, "project.py");
    const image = join(DATA, "built-images/mini.qcow2");
    const text = await run(["/usr/bin/python3", script, clouds, NAME, "andromede-operator", image]);
    made = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Made);
    for (const one of made) assert.ok(one.changed, one.class);
    const sampled = new Set(made.map((one) => one.class));
    for (const { name, table, ownerColumn } of resourceClasses) {
      if (ownerColumn === null || name in PASSING) continue;
      assert.ok(sampled.has(name) || BY_ITSELF.has(name), `${name}: no sample in project.py`);
      const rows = await cloud.sql(`select count(*) from "${table}" where "${ownerColumn}" = '${project}'`);
      assert.ok(Number(rows) > 0, `${name}: no row in ${table}`);
    }
  });

  /** The customer's cloud in clouds.yaml, once more for the new account. */
  function withProject(text: string): string {
    const [, customer = ""] = /\n {2}andromede:\n((?: {4}.*\n)+)/.exec(text) ?? [];
    const own = customer
      .replace(/username: .*/, `username: ${NAME}`)
      .replace(/password: .*/, `password: ${PASSWORD}`)
      .replace(/project_name: .*/, `project_name: ${NAME}`);
    assert.notEqual(own, customer);
    return `${text.trimEnd()}\n  ${NAME}:\n${own}`;
  }

  it("ends with a purge that leaves not a row, a file, a process or a key", async () => {
    await cloud.andromede("project", "purge", NAME, "--yes");
    const columns = await cloud.sql(`select table_name || '.' || column_name from information_schema.columns
      where table_schema = 'public' and (column_name like '%project_id' or column_name in ('owner', 'tenant_id', 'member_id'))
        and data_type = 'text' and table_name not in ('event')`);
    for (const line of columns.trim().split("\n")) {
      const [table = "", column = ""] = line.split(".");
      const kept = table === "project_key" ? "and wrapped_key is not null" : "";
      const rows = await cloud.sql(`select count(*) from "${table}" where "${column}" = '${project}' ${kept}`);
      assert.equal(rows.trim(), "0", line);
    }
    const keys = await cloud.sql(
      `select count(*) from project_key where project_id = '${project}' and destroyed_at is not null`,
    );
    assert.equal(keys.trim(), "1", "its key was, and is destroyed");
    // What others may be reading goes some minutes later; it is nobody's any more, and its key is gone.
    const chunks = await cloud.sql(`select count(*) from object_chunk c where garbage_at is null
      and not exists (select 1 from object o where o.sequence = c.owner)
      and not exists (select 1 from object_part p where p.sequence = c.owner)`);
    assert.equal(chunks.trim(), "0", "chunks of no object that are no garbage");
    await removeEarlier();
    assert.deepEqual(await look(), found);
  });
});
