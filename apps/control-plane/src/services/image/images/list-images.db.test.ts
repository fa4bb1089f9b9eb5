import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { parseQuery } from "../../../http/query.ts";
import { type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { readFilters, readImageSort } from "./image-filters.ts";
import { imageListStatement } from "./list-images.queries.ts";

let cloud: TestApp;
before(async () => {
  cloud = await createTestApp();
  const { db } = cloud.app;
  await db`
    insert into image (id, name, project_id, visibility, status, created_at)
    select gen_random_uuid()::text, 'n' || i, 'p' || (i % 500), (array['private', 'shared', 'community'])[1 + i % 3], 'queued', now() - i * interval '1 minute'
    from generate_series(1, 20000) i`;
  await db`
    insert into image (id, name, project_id, visibility, status)
    select gen_random_uuid()::text, 'public' || i, 'ops', 'public', 'queued' from generate_series(1, 20) i`;
  await db`insert into image_member (image_id, member_id, status) select id, 'p1', 'accepted' from image where visibility = 'shared' limit 50`;
  await db`analyze image`;
  await db`analyze image_member`;
});
after(() => cloud.close());

const tenant = {
  actor: { projectId: "p1", roles: new Set(["member"]), directory: "customer" },
  plane: "customer",
} as never;
const admin = {
  actor: { projectId: "ops", roles: new Set(["admin"]), directory: "operator" },
  plane: "operator",
} as never;

for (const [who, name, text] of [
  [tenant, "a project's list", ""],
  [tenant, "a project's list by name", "name=n501&sort=name:asc"],
  [tenant, "a project's list of community images by owner", "visibility=community&owner=p2"],
  [tenant, "a project's next page", "marker=x&limit=25"],
  [admin, "an operator's list", ""],
] as const) {
  it(`${name} reads no table from end to end`, async () => {
    const query = parseQuery(text);
    const page = { sort: readImageSort(query), limit: 25, marker: query.get("marker") };
    const statement = imageListStatement(cloud.app.db, who, readFilters(query), page);
    const plan = await cloud.app.db`explain ${statement}`;
    const lines = plan.map((row) => Object.values(row).join()).join("\n");
    assert.doesNotMatch(lines, /Seq Scan on image\b/, lines);
  });
}
