import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type ImageCloud, startImageCloud } from "./testing/image-cloud.ts";

let images: ImageCloud;
before(async () => {
  images = await startImageCloud();
});
after(() => images.cloud.close());

const path = (rest: string): string => `/v2/metadefs/namespaces${rest}`;
async function admin(method: string, rest: string, status: number, body?: unknown): Promise<never> {
  const answer = await images.call(images.cloud.adminToken, method, path(rest), body);
  assert.equal(answer.status, status, `${method} ${rest}: ${answer.text}`);
  return answer.body;
}

test("a namespace with all that is in it, made in one go or piece by piece", async () => {
  await admin("POST", "", 201, {
    namespace: "OS::Test",
    display_name: "Test",
    visibility: "public",
    objects: [{ name: "cpu", properties: { cores: { title: "Cores", type: "integer" } }, required: [] }],
    properties: { watchdog: { title: "Watchdog", type: "string", enum: ["reset"] } },
    tags: [{ name: "one" }],
    resource_type_associations: [{ name: "OS::Glance::Image", prefix: "hw_" }],
  });
  await admin("POST", "", 409, { namespace: "OS::Test" });
  const whole = (await admin("GET", "/OS::Test", 200)) as { [member: string]: { [member: string]: unknown }[] };
  assert.equal(whole["objects"]?.[0]?.["name"], "cpu");
  assert.equal(whole["resource_type_associations"]?.[0]?.["prefix"], "hw_");
  assert.deepEqual(whole["properties"], { watchdog: { title: "Watchdog", type: "string", enum: ["reset"] } });
  await admin("POST", "/OS::Test/objects", 201, { name: "disk", description: "Disks" });
  await admin("POST", "/OS::Test/objects", 409, { name: "disk" });
  await admin("PUT", "/OS::Test/objects/disk", 200, { name: "volume" });
  await admin("PUT", "/OS::Test/objects/volume", 409, { name: "cpu" });
  await admin("GET", "/OS::Test/objects/disk", 404);
  await admin("DELETE", "/OS::Test/objects/volume", 204);
  await admin("POST", "/OS::Test/properties", 201, { name: "colour", title: "Colour", type: "string" });
  const { properties } = (await admin("GET", "/OS::Test/properties", 200)) as { properties: object };
  assert.deepEqual(Object.keys(properties), ["colour", "watchdog"]);
  await admin("POST", "/OS::Test/tags", 201, { tags: [{ name: "a" }, { name: "b" }] });
  await admin("POST", "/OS::Test/tags/c", 201);
  await admin("PUT", "/OS::Test/tags/c", 200, { name: "d" });
  const { tags } = (await admin("GET", "/OS::Test/tags", 200)) as { tags: { name: string }[] };
  assert.deepEqual(
    tags.map(({ name }) => name),
    ["a", "b", "d"],
  );
  await admin("DELETE", "/OS::Test/tags", 204);
  await admin("POST", "/OS::Test/resource_types", 201, { name: "OS::Nova::Flavor" });
  await admin("DELETE", "/OS::Test/resource_types/OS::Nova::Flavor", 204);
  await admin("DELETE", "/OS::Test/resource_types/OS::Nova::Flavor", 404);
  const types = await images.call(images.cloud.adminToken, "GET", "/v2/metadefs/resource_types");
  assert.equal((types.body as { resource_types: { name: string }[] }).resource_types[0]?.name, "OS::Glance::Image");
  await admin("PUT", "/OS::Test", 200, { namespace: "OS::Other", protected: true });
  await admin("GET", "/OS::Test", 404);
  await admin("DELETE", "/OS::Other", 403);
  await admin("PUT", "/OS::Other", 200, { namespace: "OS::Other", protected: false });
  await admin("DELETE", "/OS::Other", 204);
  await admin("GET", "/OS::Other/objects", 404);
});

test("what definitions look like is documented", async () => {
  const { token } = images.somebody();
  const nameOf = async (path: string): Promise<unknown> =>
    (await images.call(token, "GET", `/v2/schemas/metadefs/${path}`)).body["name"];
  for (const name of ["namespace", "namespaces", "object", "objects", "property", "properties", "tag", "tags"])
    assert.equal(await nameOf(name), name);
  assert.equal(await nameOf("resource_type"), "resource_type_association");
  assert.equal(await nameOf("resource_types"), "resource_type_associations");
});

test("everybody reads what is public, and nobody but operators writes", async () => {
  const { token, projectId } = images.somebody();
  await admin("POST", "", 201, { namespace: "public", visibility: "public" });
  await admin("POST", "", 201, { namespace: "mine", owner: projectId });
  await admin("POST", "", 201, { namespace: "theirs" });
  const list = (await images.call(token, "GET", path("?limit=1"))).body as {
    namespaces: { namespace: string }[];
    next: string;
  };
  const rest = (await images.call(token, "GET", list.next)).body as { namespaces: { namespace: string }[] };
  assert.deepEqual(
    [...list.namespaces, ...rest.namespaces].map(({ namespace }) => namespace),
    ["mine", "public"],
  );
  assert.equal((await images.call(token, "GET", path("/theirs"))).status, 404);
  assert.equal((await images.call(token, "POST", path(""), { namespace: "x" })).status, 403);
  assert.equal((await images.call(token, "DELETE", path("/mine"))).status, 403);
  for (const wrong of [
    { namespace: "" },
    { namespace: "a/b" },
    { namespace: "x", visibility: "shared" },
    { namespace: "x", objects: [{}] },
  ])
    await admin("POST", "", 400, wrong);
});
