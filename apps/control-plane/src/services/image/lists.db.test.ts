/** No list of the image service's, beside that of images itself, reads a table that grows with customers from end to end. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type postgres from "postgres";

import { type Explained, explainedConnection } from "../../testing/explained.ts";
import { type TestApp, createTestApp } from "../../testing/test-app.ts";
import {
  listClaimedUploads,
  listProjectImages,
  listServerBackups,
  listUnsettledImages,
} from "./images/image.queries.ts";
import { listTasks, listTasksOfImage, listUnfinishedTasks } from "./imports/task.queries.ts";
import { listMembers, listMemberships } from "./members/member.queries.ts";
import { listItems, listNamespacesOfProject, listResourceTypes } from "./metadefs/metadef.queries.ts";

let app: TestApp;
let explained: Explained;

/** 2,000 projects with 10 images each, each with members and a task, and a namespace of metadata definitions. */
async function seed(sql: postgres.Sql): Promise<void> {
  const all = sql`generate_series(1, 2000) p, generate_series(1, 10) i`;
  await sql`
    insert into image (id, project_id, visibility, status, properties, upload_id, size_bytes, sha512, checksum, created_at)
    select 'i' || p || '-' || i, 'p' || p, 'shared', 'active', '{"image_type":"backup","instance_uuid":"s","backup_type":"daily"}',
      'up' || p || '-' || i, 1, 'x', 'x', now() - p * interval '1 minute' from ${all}`;
  await sql`
    insert into image_member (image_id, member_id) select 'i' || p || '-' || i, 'p' || (1 + (p + n) % 2000) from ${all}, generate_series(1, 2) n`;
  await sql`
    insert into image_task (id, image_id, project_id, request_id, status, input, created_at, expires_at)
    select 't' || p || '-' || i, 'i' || p || '-' || i, 'p' || p, 'r', 'success', '{}', now() - p * interval '1 minute', now() from ${all}`;
  await sql`insert into metadef_namespace (namespace, project_id) select 'ns' || p || '-' || i, 'p' || p from ${all}`;
  await sql`
    insert into metadef_item (namespace, kind, name) select 'ns' || p || '-' || i, 'property', 'n' || n from ${all}, generate_series(1, 3) n`;
  await sql`
    insert into metadef_item (namespace, kind, name) select 'ns' || p || '-1', 'resource_type', 'OS::Nova::Server' from generate_series(1, 20) p`;
}

before(async () => {
  app = await createTestApp();
  explained = explainedConnection(app.app.config.database);
  await seed(explained.sql);
  await explained.begin();
});
after(async () => {
  await explained.close();
  await app.close();
});

const CASES: [string, (sql: postgres.Sql) => PromiseLike<unknown>][] = [
  ["a server's backups", (sql) => listServerBackups(sql, { projectId: "p7", serverId: "s", backupType: "daily" })],
  ["images that are not settled", (sql) => listUnsettledImages(sql)],
  ["uploads that are somebody's", (sql) => listClaimedUploads(sql, ["up7-1", "up8-1", "x"])],
  ["a project's images", (sql) => listProjectImages(sql, "p7")],
  ["an image's members", (sql) => listMembers(sql, "i7-1", null)],
  ["a project's memberships", (sql) => listMemberships(sql, "p7")],
  ["an image's tasks", (sql) => listTasksOfImage(sql, "i7-1")],
  ["all tasks", (sql) => listTasks(sql, { limit: 100, marker: null, status: undefined })],
  [
    "the next page of tasks",
    (sql) => listTasks(sql, { limit: 100, marker: { id: "t7-1", createdAt: new Date() } as never, status: undefined }),
  ],
  ["tasks that are not done", (sql) => listUnfinishedTasks(sql)],
  ["a project's namespaces", (sql) => listNamespacesOfProject(sql, "p7")],
  ["what is in namespaces", (sql) => listItems(sql, ["ns7-1", "ns8-1"], null)],
  ["types of resources", (sql) => listResourceTypes(sql)],
];

for (const [name, send] of CASES) {
  test(`${name}: by index`, async () => assert.deepEqual(await explained.seqScans(send), []));
}

test("a scan is seen when there is one", async () => {
  assert.deepEqual(await explained.seqScans((sql) => sql`select * from image where name = 'x'`), ["image"]);
});
