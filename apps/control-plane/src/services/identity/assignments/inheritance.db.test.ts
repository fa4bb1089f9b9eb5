import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type IdentityTest, createIdentityTest, passwordAuth } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

const make = async (collection: string, noun: string, body: object): Promise<string> =>
  ((await t.admin("POST", collection, { [noun]: body }, 201)) as { [noun: string]: { id: string } })[noun]?.id ??
  assert.fail(noun);
const works = async (token: string): Promise<boolean> => (await t.as(token, "GET", "auth/projects")).status === 200;
const tokenOf = (answer: { headers: { [name: string]: unknown } }): string => String(answer.headers["x-subject-token"]);

type Line = {
  role: { id: string };
  scope: { project?: { id: string }; domain?: { id: string } };
  links: { assignment: string };
};
const assignments = async (query: string): Promise<Line[]> =>
  ((await t.admin("GET", `role_assignments?${query}`, undefined, 200)) as { role_assignments: Line[] })
    .role_assignments;

test("a role for the projects below a place is on them, not on the place, and goes with their tokens", async () => {
  const user = await make("users", "user", { name: "heir", password: "heir" });
  const domain = await make("domains", "domain", { name: "inherited" });
  const top = await make("projects", "project", { name: "top", domain_id: domain });
  const mid = await make("projects", "project", { name: "mid", domain_id: domain, parent_id: top });
  const leaf = await make("projects", "project", { name: "leaf", domain_id: domain, parent_id: mid });
  const reader = await t.roleId("reader");
  const signIn = (scope: object) => t.signIn(passwordAuth({ id: user }, "heir", scope));
  const status = async (id: string): Promise<number> => (await signIn({ project: { id } })).status;

  const below = `OS-INHERIT/projects/${top}/users/${user}/roles/${reader}/inherited_to_projects`;
  await t.admin("GET", below, undefined, 404);
  await t.admin("PUT", below, undefined, 204);
  await t.admin("HEAD", below, undefined, 204);
  await t.admin("GET", `projects/${top}/users/${user}/roles/${reader}`, undefined, 404);
  assert.deepEqual([await status(top), await status(mid), await status(leaf)], [401, 201, 201]);
  const token = tokenOf(await signIn({ project: { id: leaf } }));
  const mine = (await t.as(token, "GET", "auth/projects")).body as { projects: { id: string }[] };
  assert.deepEqual(mine.projects.map(({ id }) => id).toSorted(), [mid, leaf].toSorted());
  const raw = await assignments(`user.id=${user}`);
  assert.deepEqual(
    raw.map(({ scope, links }) => [scope, links.assignment.replace(/.*\/v3\//, "")]),
    [[{ project: { id: top }, "OS-INHERIT:inherited_to": "projects" }, below]],
  );
  const effective = await assignments(`user.id=${user}&effective`);
  assert.deepEqual(effective.map(({ scope }) => scope.project?.id ?? "").toSorted(), [mid, leaf].toSorted());
  assert.deepEqual((await assignments(`scope.project.id=${leaf}&effective`)).length, 1);
  assert.deepEqual(await assignments(`scope.project.id=${top}&effective`), []);
  await t.admin("DELETE", below, undefined, 204);
  await t.admin("DELETE", below, undefined, 404);
  assert.equal(await works(token), false);
  assert.equal(await status(leaf), 401);

  const everywhere = `OS-INHERIT/domains/${domain}/users/${user}/roles/${reader}/inherited_to_projects`;
  await t.admin("PUT", everywhere, undefined, 204);
  const listed = (await t.admin(
    "GET",
    `OS-INHERIT/domains/${domain}/users/${user}/roles/inherited_to_projects`,
    undefined,
    200,
  )) as {
    roles: { id: string }[];
  };
  assert.deepEqual(
    listed.roles.map(({ id }) => id),
    [reader],
  );
  assert.deepEqual([await status(top), await status(leaf)], [201, 201]);
  assert.equal((await signIn({ domain: { id: domain } })).status, 401, "not on the domain itself");
  const again = tokenOf(await signIn({ project: { id: top } }));
  await t.admin("DELETE", everywhere, undefined, 204);
  assert.equal(await works(again), false);
});

test("a group's role is inherited by its members, and a domain manager hands such roles on in the own domain only", async () => {
  const domain = await make("domains", "domain", { name: "managed" });
  const project = await make("projects", "project", { name: "of managed", domain_id: domain });
  const [boss, worker] = [
    await make("users", "user", { name: "boss", password: "boss", domain_id: domain }),
    await make("users", "user", { name: "worker", password: "worker", domain_id: domain }),
  ];
  const group = await make("groups", "group", { name: "workers", domain_id: domain });
  await t.admin("PUT", `groups/${group}/users/${worker}`, undefined, 204);
  await t.admin("PUT", `domains/${domain}/users/${boss}/roles/${await t.roleId("manager")}`, undefined, 204);
  const manager = tokenOf(await t.signIn(passwordAuth({ id: boss }, "boss", { domain: { id: domain } })));
  const grant = (place: string, role: string) =>
    `OS-INHERIT/${place}/groups/${group}/roles/${role}/inherited_to_projects`;
  const member = await t.roleId("member");
  assert.equal((await t.as(manager, "PUT", grant(`domains/${domain}`, member))).status, 204);
  assert.equal((await t.as(manager, "PUT", grant(`domains/${domain}`, await t.roleId("admin")))).status, 403);
  assert.equal((await t.as(manager, "PUT", grant("domains/default", member))).status, 404);
  const signed = await t.signIn(passwordAuth({ id: worker }, "worker", { project: { id: project } }));
  assert.equal(signed.status, 201, signed.text);
  await t.admin("DELETE", `groups/${group}/users/${worker}`, undefined, 204);
  assert.equal(await works(tokenOf(signed)), false);
});

test("trees of projects, and domains as projects", async () => {
  const top = await make("projects", "project", { name: "tree-top" });
  const leaf = await make("projects", "project", { name: "tree-leaf", parent_id: top });
  const show = async (id: string, query: string) =>
    ((await t.admin("GET", `projects/${id}?${query}`, undefined, 200)) as { project: { [member: string]: unknown } })
      .project;
  assert.deepEqual((await show(leaf, "parents_as_ids"))["parents"], { [top]: { default: null } });
  assert.deepEqual((await show(top, "subtree_as_ids"))["subtree"], { [leaf]: null });
  assert.deepEqual((await show(top, "subtree_as_list"))["subtree"], [], "the operator has no role there");
  await t.admin("PUT", `projects/${leaf}/users/${t.operator.id}/roles/${await t.roleId("reader")}`, undefined, 204);
  const [one] = (await show(top, "subtree_as_list"))["subtree"] as { project: { id: string } }[];
  assert.equal(one?.project.id, leaf);
  await t.admin("GET", `projects/${top}?subtree_as_list&subtree_as_ids`, undefined, 400);

  const domain = await make("projects", "project", { name: "acting", is_domain: true });
  const shown = await show(domain, "");
  assert.deepEqual([shown["is_domain"], shown["domain_id"], shown["parent_id"]], [true, null, null]);
  await t.admin("GET", `domains/${domain}`, undefined, 200);
  const listed = (await t.admin("GET", "projects?is_domain=true", undefined, 200)) as { projects: { id: string }[] };
  assert.ok(listed.projects.some(({ id }) => id === domain));
  await t.admin("DELETE", `projects/${domain}`, undefined, 403);
  await t.admin("PATCH", `projects/${domain}`, { project: { enabled: false } }, 200);
  await t.admin("DELETE", `projects/${domain}`, undefined, 204);
  await t.admin("GET", `projects/${domain}`, undefined, 404);
});

test("what is immutable stays until somebody says otherwise", async () => {
  for (const [collection, noun] of [
    ["projects", "project"],
    ["domains", "domain"],
    ["roles", "role"],
  ] as const) {
    const id = await make(collection, noun, { name: `fixed ${noun}`, options: { immutable: true } });
    await t.admin("PATCH", `${collection}/${id}`, { [noun]: { description: "x" } }, 403);
    await t.admin("DELETE", `${collection}/${id}`, undefined, 403);
    await t.admin("PATCH", `${collection}/${id}`, { [noun]: { options: { immutable: false } } }, 200);
    await t.admin(
      "PATCH",
      `${collection}/${id}`,
      { [noun]: { description: "x", ...(noun === "domain" ? { enabled: false } : {}) } },
      200,
    );
    await t.admin("DELETE", `${collection}/${id}`, undefined, 204);
  }
  const reader = await t.roleId("reader");
  await t.admin("PATCH", `roles/${reader}`, { role: { options: { immutable: false } } }, 403);
});
