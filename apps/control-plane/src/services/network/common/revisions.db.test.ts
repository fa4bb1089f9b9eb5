/** What all resources share: conditions on revisions, creation of many at once. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type World, createWorld } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

test("a change under If-Match happens to that revision or not at all", async () => {
  const projectId = "revisions";
  const tenant = world.tenant(projectId);
  const token = world.test.tokenFor({ projectId });
  const network = await tenant.create("network", { name: "n" });
  const send = (method: string, condition: string, body?: object) =>
    world.test.inject({
      method,
      url: `/network/v2.0/networks/${network.id}`,
      token,
      headers: { "if-match": condition },
      ...(body === undefined ? {} : { body }),
    });
  const rename = { network: { name: "new" } };
  const stale = await send("PUT", "revision_number=7", rename);
  assert.equal(stale.status, 412);
  assert.match(stale.text, /RevisionNumberConstraintFailed.*Constrained to 7, but current revision is 1/);
  assert.equal((await send("PUT", "nonsense", rename)).status, 400);
  assert.equal((await tenant.show("network", network.id))["name"], "n");
  assert.equal((await send("PUT", "revision_number=1", rename)).status, 200);
  assert.equal((await send("DELETE", "revision_number=1")).status, 412);
  assert.equal((await send("DELETE", "revision_number=2")).status, 204);
});

test("many of every kind in one request: in order, or none", async () => {
  const tenant = world.tenant();
  const make = (path: string, many: string, wires: object[]) => tenant.call("POST", `/v2.0/${path}`, { [many]: wires });
  for (const [path, many, wire] of [
    ["routers", "routers", {}],
    ["security-groups", "security_groups", {}],
    ["subnetpools", "subnetpools", { prefixes: ["10.0.0.0/8"] }],
    ["address-scopes", "address_scopes", { ip_version: 6 }],
    ["address-groups", "address_groups", {}],
  ] as const) {
    const made = await make(path, many, [
      { ...wire, name: "a" },
      { ...wire, name: "b" },
    ]);
    assert.equal(made.status, 201, made.text);
    const names = (made.body as { [key: string]: { name: string }[] })[many]?.map(({ name }) => name);
    assert.deepEqual(names, ["a", "b"], path);
  }
  await world.setQuota(tenant, { router: 3 });
  assert.equal((await make("routers", "routers", [{ name: "c" }, { name: "d" }])).status, 409);
  assert.equal((await tenant.list("router")).length, 2);
});
