import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type IdentityTest, createIdentityTest } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

type Made = { id: string; [member: string]: unknown };
const make = async (collection: string, noun: string, body: object): Promise<Made> =>
  ((await t.admin("POST", collection, { [noun]: body }, 201)) as { [noun: string]: Made })[noun] ?? assert.fail(noun);

test("services, endpoints and regions of the operator's, in every catalog as long as they are enabled", async () => {
  const region = await make("regions", "region", { id: "two", description: "Second" });
  assert.equal(region["parent_region_id"], null);
  const service = await make("services", "service", { type: "dns", name: "designate", description: "Names" });
  const endpoint = await make("endpoints", "endpoint", {
    service_id: service.id,
    interface: "public",
    url: "https://dns.test/$(project_id)s",
    region: "made-by-the-way",
  });
  assert.equal(endpoint["region_id"], "made-by-the-way");
  const one = await t.customer("catalogued");
  const token = await one.token();
  type Entry = { type: string; endpoints: { url: string }[] };
  const urls = async (): Promise<string[]> =>
    ((await t.as(token, "GET", "auth/catalog")).body as { catalog: Entry[] }).catalog
      .filter(({ type }) => type === "dns")
      .flatMap(({ endpoints }) => endpoints.map(({ url }) => url));
  assert.deepEqual(await urls(), [`https://dns.test/${one.projectId}`]);
  const validated = await t.inject({
    method: "GET",
    url: "/identity/v3/auth/tokens",
    token,
    headers: { "x-subject-token": token },
  });
  assert.ok(validated.text.includes("https://dns.test/"));
  await t.admin("PATCH", `endpoints/${endpoint.id}`, { endpoint: { url: "https://dns.test/v2" } }, 200);
  assert.deepEqual(await urls(), ["https://dns.test/v2"]);
  await t.admin("PATCH", `endpoints/${endpoint.id}`, { endpoint: { enabled: false } }, 200);
  assert.deepEqual(await urls(), []);
  await t.admin("PATCH", `services/${service.id}`, { service: { name: "other" } }, 200);
  assert.equal(
    ((await t.admin("GET", "services?name=other", undefined, 200)) as { services: Made[] }).services[0]?.id,
    service.id,
  );
  await t.admin("DELETE", "regions/made-by-the-way", undefined, 403);
  await t.admin("DELETE", `services/${service.id}`, undefined, 204);
  await t.admin("GET", `endpoints/${endpoint.id}`, undefined, 404);
  await t.admin("DELETE", "regions/made-by-the-way", undefined, 204);
});

test("regions are a tree without circles, and go with what is below them", async () => {
  await make("regions", "region", { id: "europe" });
  await make("regions", "region", { id: "france", parent_region_id: "europe" });
  await t.admin("POST", "regions", { region: { id: "france" } }, 409);
  await t.admin("POST", "regions", { region: { parent_region_id: "nowhere" } }, 404);
  await t.admin("PATCH", "regions/europe", { region: { parent_region_id: "france" } }, 400);
  const below = (await t.admin("GET", "regions?parent_region_id=europe", undefined, 200)) as { regions: Made[] };
  assert.deepEqual(
    below.regions.map(({ id }) => id),
    ["france"],
  );
  await t.admin("DELETE", "regions/europe", undefined, 204);
  const chosen = await t.admin("PUT", "regions/asia", { region: { description: "Third" } }, 201);
  assert.equal((chosen as { region: { id: string } }).region.id, "asia");
  await t.admin("PUT", "regions/asia", { region: {} }, 409);
  await t.admin("PUT", "regions/africa", { region: { id: "asia" } }, 400);
  await t.admin("GET", "regions/africa", undefined, 404);
  await t.admin("GET", "regions/france", undefined, 404);
});

test("what the installation offers stays, and nonsense is refused", async () => {
  const { services } = (await t.admin("GET", "services?type=compute", undefined, 200)) as { services: Made[] };
  const id = services[0]?.id ?? "";
  await t.admin("PATCH", `services/${id}`, { service: { enabled: false } }, 403);
  await t.admin("DELETE", `services/${id}`, undefined, 403);
  await t.admin("DELETE", `regions/${t.app.config.region}`, undefined, 403);
  for (const wrong of [{ service_id: "none" }, { interface: "secret" }, { url: "two words" }]) {
    const body = { service_id: id, interface: "public", url: "https://x.test", ...wrong };
    await t.admin("POST", "endpoints", { endpoint: body }, 400);
  }
  const customer = await (await t.customer("no operator")).token();
  assert.equal((await t.as(customer, "POST", "services", { service: { type: "x" } })).status, 403);
});

test("limits: registered ones for everybody, own ones for projects and domains", async () => {
  const { services } = (await t.admin("GET", "services?type=image", undefined, 200)) as { services: Made[] };
  const kind = { service_id: services[0]?.id ?? "", resource_name: "image_count_total" };
  const [one, other] = [await t.customer("limited"), await t.customer("unlimited")];
  const limit = { ...kind, project_id: one.projectId, resource_limit: 5 };
  await t.admin("POST", "limits", { limits: [limit] }, 403);
  const made = (await t.admin(
    "POST",
    "registered_limits",
    { registered_limits: [{ ...kind, default_limit: 10 }] },
    201,
  )) as {
    registered_limits: Made[];
  };
  const registered = made.registered_limits[0]?.id ?? "";
  await t.admin("POST", "registered_limits", { registered_limits: [{ ...kind, default_limit: 10 }] }, 409);
  await t.admin(
    "POST",
    "registered_limits",
    { registered_limits: [{ ...kind, service_id: "none", default_limit: 1 }] },
    400,
  );
  const limits = (await t.admin(
    "POST",
    "limits",
    { limits: [limit, { ...kind, domain_id: "default", resource_limit: 7 }] },
    201,
  )) as {
    limits: Made[];
  };
  const [own, domains] = limits.limits;
  assert.deepEqual([own?.["project_id"], own?.["domain_id"], domains?.["domain_id"]], [one.projectId, null, "default"]);
  await t.admin("POST", "limits", { limits: [limit] }, 409);
  await t.admin("POST", "limits", { limits: [{ ...limit, project_id: "none" }] }, 400);
  await t.admin("PATCH", `limits/${own?.id ?? ""}`, { limit: { resource_limit: 6 } }, 200);
  const seen = async (token: string): Promise<unknown[]> =>
    ((await t.as(token, "GET", "limits")).body as { limits: Made[] }).limits.map((found) => found["resource_limit"]);
  assert.deepEqual(await seen(await one.token()), [6]);
  assert.deepEqual(await seen(await other.token()), []);
  assert.equal((await t.as(await other.token(), "GET", `limits/${own?.id ?? ""}`)).status, 404);
  assert.deepEqual((await t.as(await one.token(), "GET", "limits/model")).status, 200);
  await t.admin("DELETE", `registered_limits/${registered}`, undefined, 403);
  await t.admin("PATCH", `registered_limits/${registered}`, { registered_limit: { resource_name: "x" } }, 403);
  await t.admin("PATCH", `registered_limits/${registered}`, { registered_limit: { default_limit: 3 } }, 200);
  for (const { id } of limits.limits) await t.admin("DELETE", `limits/${id}`, undefined, 204);
  await t.admin("DELETE", `registered_limits/${registered}`, undefined, 204);
});

test("an application credential with access rules is good for those requests only", async () => {
  const one = await t.customer("ruled");
  const token = await one.token();
  const path = `users/${one.userId}/application_credentials`;
  const rules = [
    { service: "identity", method: "GET", path: "/v3/users/*" },
    { service: "compute", method: "GET", path: "/v2.1/servers/**" },
  ];
  const made = await t.as(token, "POST", path, { application_credential: { name: "ruled", access_rules: rules } });
  assert.equal(made.status, 201, made.text);
  const {
    id,
    secret,
    access_rules: kept,
  } = (
    made.body as {
      application_credential: { id: string; secret: string; access_rules: { id: string }[] };
    }
  ).application_credential;
  const signed = await t.signIn({
    auth: { identity: { methods: ["application_credential"], application_credential: { id, secret } } },
  });
  assert.equal(signed.status, 201, signed.text);
  const narrow = String(signed.headers["x-subject-token"]);
  assert.equal((await t.as(narrow, "GET", `users/${one.userId}`)).status, 200);
  assert.equal((await t.as(narrow, "GET", `users/${one.userId}/projects`)).status, 401);
  assert.equal((await t.as(narrow, "GET", "auth/projects")).status, 401);
  const headers = { "x-subject-token": narrow };
  const shown = await t.inject({ method: "GET", url: "/identity/v3/auth/tokens", token: narrow, headers });
  assert.deepEqual(shown.body, signed.body);

  const again = await t.as(token, "POST", path, {
    application_credential: { name: "same", access_rules: [rules[0], { id: kept[1]?.id }] },
  });
  assert.equal(again.status, 201, again.text);
  const listed = (await t.as(token, "GET", `users/${one.userId}/access_rules`)).body as {
    access_rules: { id: string }[];
  };
  assert.equal(listed.access_rules.length, 2, "the same rule is one");
  const rule = `users/${one.userId}/access_rules/${kept[0]?.id ?? ""}`;
  assert.equal((await t.as(token, "GET", rule)).status, 200);
  assert.equal((await t.as(token, "DELETE", rule)).status, 403, "in use");
  const all = (await t.as(token, "GET", path)).body as { application_credentials: { id: string }[] };
  for (const credential of all.application_credentials)
    assert.equal((await t.as(token, "DELETE", `${path}/${credential.id}`)).status, 204);
  assert.equal((await t.as(token, "DELETE", rule)).status, 204);
  assert.equal((await t.as(token, "GET", rule)).status, 404);
});
