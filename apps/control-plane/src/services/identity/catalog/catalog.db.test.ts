import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type IdentityTest, createIdentityTest } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

test("version documents need no token", async () => {
  for (const url of ["/identity", "/identity/"]) {
    const list = await t.inject({ method: "GET", url });
    assert.equal(list.status, 300, url);
    const [first] = (list.body as { versions: { values: { [key: string]: unknown }[] } }).versions.values;
    assert.deepEqual(Object.keys(first ?? {}).toSorted(), ["id", "links", "media-types", "status", "updated"]);
  }
  for (const url of ["/identity/v3", "/identity/v3/"]) {
    const shown = await t.inject({ method: "GET", url });
    assert.equal(shown.status, 200, url);
    const { version } = shown.body as {
      version: { status: string; "media-types": object[]; links: { href: string }[] };
    };
    assert.equal(version.status, "stable");
    assert.deepEqual(version["media-types"], [
      { base: "application/json", type: "application/vnd.openstack.identity-v3+json" },
    ]);
    assert.equal(version.links[0]?.href, "https://customer.test/identity/v3/");
  }
});

test("services, endpoints and regions can be looked up one by one", async () => {
  const token = await (await t.customer("cat")).token();
  const { services } = (await t.as(token, "GET", "services?type=compute")).body as {
    services: { id: string; name: string }[];
  };
  assert.deepEqual(
    services.map((one) => one.name),
    ["nova"],
  );
  const id = services[0]?.id ?? "";
  assert.equal((await t.as(token, "GET", `services/${id}`)).status, 200);
  const found = (await t.as(token, "GET", `endpoints?service_id=${id}&interface=public`)).body as {
    endpoints: { id: string; url: string; region_id: string }[];
  };
  assert.deepEqual(
    found.endpoints.map((one) => [one.url, one.region_id]),
    [["https://customer.test/compute/v2.1", "RegionOne"]],
  );
  assert.equal((await t.as(token, "GET", `endpoints/${found.endpoints[0]?.id ?? ""}`)).status, 200);
  const all = (await t.as(token, "GET", "endpoints")).body as { endpoints: { id: string }[] };
  assert.equal(new Set(all.endpoints.map((one) => one.id)).size, 18);
  const regions = (await t.as(token, "GET", "regions")).body as { regions: { id: string }[] };
  assert.deepEqual(
    regions.regions.map((one) => one.id),
    ["RegionOne"],
  );
  assert.equal((await t.as(token, "GET", "regions/RegionOne")).status, 200);
  for (const path of ["services/none", "endpoints/none", "regions/none"])
    assert.equal((await t.as(token, "GET", path)).status, 404);
});
