import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type IdentityTest, createIdentityTest, passwordAuth, tokenAuth } from "../testing/signed-in.ts";

let t: IdentityTest;
before(async () => {
  t = await createIdentityTest();
});
after(() => t.close());

const works = async (token: string): Promise<boolean> => (await t.as(token, "GET", "auth/projects")).status === 200;
const make = async (collection: string, noun: string, body: object): Promise<string> =>
  ((await t.admin("POST", collection, { [noun]: body }, 201)) as { [noun: string]: { id: string } })[noun]?.id ??
  assert.fail(noun);
const rolesOf = (answer: { body: unknown }): string[] =>
  (answer.body as { token: { roles: { name: string }[] } }).token.roles.map((role) => role.name).toSorted();

test("roles come by assignment, by group and by implication, and go again with the tokens that say so", async () => {
  const user = await t.customer("ann", []);
  const scope = { project: { id: user.projectId } };
  const signIn = () => t.signIn(passwordAuth({ id: user.userId }, "ann", scope));
  assert.equal((await signIn()).status, 401, "no role, no token");

  const grant = `projects/${user.projectId}/users/${user.userId}/roles/${await t.roleId("manager")}`;
  await t.admin("GET", grant, undefined, 404);
  await t.admin("PUT", grant, undefined, 204);
  await t.admin("PUT", grant, undefined, 204);
  await t.admin("GET", grant, undefined, 204);
  await t.admin("HEAD", grant, undefined, 204);
  const direct = await signIn();
  assert.deepEqual(rolesOf(direct), ["manager", "member", "reader"]);
  const listed = (await t.admin("GET", `projects/${user.projectId}/users/${user.userId}/roles`, undefined, 200)) as {
    roles: { name: string }[];
  };
  assert.deepEqual(
    listed.roles.map((role) => role.name),
    ["manager"],
  );

  const unscoped = String((await t.signIn(passwordAuth({ id: user.userId }, "ann"))).headers["x-subject-token"]);
  await t.admin("DELETE", grant, undefined, 204);
  await t.admin("DELETE", grant, undefined, 404);
  assert.equal(await works(String(direct.headers["x-subject-token"])), false);
  assert.equal(await works(unscoped), true, "only tokens for that place end");

  const group = await make("groups", "group", { name: "ann's group" });
  await t.admin("PUT", `projects/${user.projectId}/groups/${group}/roles/${await t.roleId("reader")}`, undefined, 204);
  assert.equal((await signIn()).status, 401);
  await t.admin("PUT", `groups/${group}/users/${user.userId}`, undefined, 204);
  await t.admin("HEAD", `groups/${group}/users/${user.userId}`, undefined, 204);
  const through = await signIn();
  assert.deepEqual(rolesOf(through), ["reader"]);
  const mine = (await t.as(unscoped, "GET", `users/${user.userId}/groups`)).body as { groups: { name: string }[] };
  assert.deepEqual(
    mine.groups.map((one) => one.name),
    ["ann's group"],
  );
  await t.admin("DELETE", `groups/${group}/users/${user.userId}`, undefined, 204);
  assert.equal(await works(String(through.headers["x-subject-token"])), false);
  await t.admin("GET", `groups/${group}/users/${user.userId}`, undefined, 404);

  await t.admin("PUT", `groups/${group}/users/${user.userId}`, undefined, 204);
  const again = await signIn();
  await t.admin("DELETE", `groups/${group}`, undefined, 204);
  assert.equal(await works(String(again.headers["x-subject-token"])), false, "the group is gone");
});

test("disabling or deleting a project or domain ends the tokens for it", async () => {
  const one = await t.customer("p-disabled");
  const first = await one.token();
  await t.admin("PATCH", `projects/${one.projectId}`, { project: { enabled: false } }, 200);
  assert.equal(await works(first), false);
  assert.equal(
    (await t.signIn(passwordAuth({ id: one.userId }, "p-disabled", { project: { id: one.projectId } }))).status,
    401,
  );
  await t.admin("PATCH", `projects/${one.projectId}`, { project: { enabled: true } }, 200);
  assert.equal(await works(await one.token()), true);

  const second = await one.token();
  await t.admin("DELETE", `projects/${one.projectId}`, undefined, 204);
  assert.equal(await works(second), false);
  await t.admin("GET", `projects/${one.projectId}`, undefined, 404);

  const domain = await make("domains", "domain", { name: "gone-soon" });
  const two = await t.customer("d-user", ["member"], domain);
  const third = await two.token();
  await t.admin("DELETE", `domains/${domain}`, undefined, 403);
  await t.admin("PATCH", `domains/${domain}`, { domain: { enabled: false } }, 200);
  assert.equal(await works(third), false);
  assert.equal((await t.signIn(passwordAuth({ id: two.userId }, "d-user"))).status, 401);
  await t.admin("DELETE", `domains/${domain}`, undefined, 204);
  await t.admin("GET", `users/${two.userId}`, undefined, 404);
  await t.admin("GET", `projects/${two.projectId}`, undefined, 404);
  const left = await t.app.db<{ id: string }[]>`select id from deleted_project`;
  assert.deepEqual(
    left.map((row) => row.id).toSorted(),
    [one.projectId, two.projectId].toSorted(),
    "remembered for the purge",
  );
});

test("the built-in domains and roles stay", async () => {
  await t.admin("DELETE", "domains/default", undefined, 403);
  await t.admin("PATCH", "domains/operators", { domain: { enabled: false } }, 403);
  await t.admin("DELETE", `roles/${await t.roleId("member")}`, undefined, 403);
  await t.admin("PATCH", `roles/${await t.roleId("admin")}`, { role: { name: "root" } }, 403);
  await t.admin("POST", "roles", { role: { name: "member" } }, 409);
  const { domains } = (await t.admin("GET", "domains?name=Default", undefined, 200)) as {
    domains: { id: string; enabled: boolean }[];
  };
  assert.deepEqual(
    domains.map(({ id, enabled }) => ({ id, enabled })),
    [{ id: "default", enabled: true }],
  );
  const { roles } = (await t.admin("GET", "roles", undefined, 200)) as { roles: { name: string }[] };
  assert.deepEqual(roles.map((role) => role.name).toSorted(), [
    "ResellerAdmin",
    "admin",
    "manager",
    "member",
    "reader",
  ]);
});

test("everybody sees the domain they are in; operators' accounts see all", async () => {
  const foreign = await make("domains", "domain", { name: "foreign" });
  const customer = await (await t.customer("looks-around")).token();
  assert.equal((await t.as(customer, "GET", "domains/default")).status, 200);
  for (const id of [foreign, "operators"]) assert.equal((await t.as(customer, "GET", `domains/${id}`)).status, 404);
  const { operator } = t;
  const user = await make("users", "user", { name: "staff", password: "staff", domain_id: "operators" });
  await t.admin(
    "PUT",
    `projects/${operator.projectId}/users/${user}/roles/${await t.roleId("member")}`,
    undefined,
    204,
  );
  const scope = { project: { id: operator.projectId } };
  const staff = String(
    (await t.signIn(passwordAuth({ id: user }, "staff", scope), "operator")).headers["x-subject-token"],
  );
  for (const id of [foreign, "default", "operators"])
    assert.equal((await t.as(staff, "GET", `domains/${id}`, undefined, "operator")).status, 200);
  assert.equal((await t.as(staff, "GET", "domains", undefined, "operator")).status, 403);
  await t.admin("DELETE", `users/${user}`, undefined, 204);
});

test("roles of one's own, what they imply, and their end", async () => {
  const role = await make("roles", "role", { name: "auditor", description: "looks" });
  const reader = await t.roleId("reader");
  const shown = (await t.admin("PUT", `roles/${role}/implies/${reader}`, undefined, 201)) as {
    role_inference: { prior_role: { name: string }; implies: { name: string } };
  };
  assert.equal(shown.role_inference.implies.name, "reader");
  await t.admin("HEAD", `roles/${role}/implies/${reader}`, undefined, 204);
  await t.admin("PUT", `roles/${role}/implies/${await t.roleId("admin")}`, undefined, 403);
  const inferences = (await t.admin("GET", "role_inferences", undefined, 200)) as {
    role_inferences: { prior_role: { name: string } }[];
  };
  assert.deepEqual(inferences.role_inferences.map((one) => one.prior_role.name).toSorted(), [
    "admin",
    "auditor",
    "manager",
    "member",
  ]);

  const user = await t.customer("rita", ["auditor"]);
  const answer = await t.signIn(passwordAuth({ id: user.userId }, "rita", { project: { id: user.projectId } }));
  assert.deepEqual(rolesOf(answer), ["auditor", "reader"]);
  await t.admin("DELETE", `roles/${role}/implies/${reader}`, undefined, 204);
  await t.admin("GET", `roles/${role}/implies/${reader}`, undefined, 404);
  assert.equal(await works(String(answer.headers["x-subject-token"])), false);
  const renamed = await user.token();
  await t.admin("PATCH", `roles/${role}`, { role: { name: "inspector" } }, 200);
  assert.equal(await works(renamed), false, "it said the old name");
  const last = await user.token();
  await t.admin("DELETE", `roles/${role}`, undefined, 204);
  assert.equal(await works(last), false);
  await t.admin("GET", `roles/${role}`, undefined, 404);
});

test("a domain's own role is in no token, what it implies is", async () => {
  const domain = await make("domains", "domain", { name: "own-roles" });
  const role = await make("roles", "role", { name: "member", domain_id: domain });
  await t.admin("PUT", `roles/${role}/implies/${await t.roleId("reader")}`, undefined, 201);
  const user = await t.customer("dom", [], domain);
  await t.admin("PUT", `projects/${user.projectId}/users/${user.userId}/roles/${role}`, undefined, 204);
  const answer = await t.signIn(passwordAuth({ id: user.userId }, "dom", { project: { id: user.projectId } }));
  assert.deepEqual(rolesOf(answer), ["reader"]);
  const elsewhere = await t.customer("elsewhere", []);
  await t.admin("PUT", `projects/${elsewhere.projectId}/users/${elsewhere.userId}/roles/${role}`, undefined, 403);
  const outer = await make("roles", "role", { name: "outer", domain_id: domain });
  await t.admin("PUT", `roles/${outer}/implies/${role}`, undefined, 201);
  await t.admin("PUT", `roles/${await t.roleId("manager")}/implies/${role}`, undefined, 403);
  const through = await t.customer("dom-outer", [], domain);
  await t.admin("PUT", `projects/${through.projectId}/users/${through.userId}/roles/${outer}`, undefined, 204);
  const scope = { project: { id: through.projectId } };
  const second = await t.signIn(passwordAuth({ id: through.userId }, "dom-outer", scope));
  assert.deepEqual(rolesOf(second), ["reader"]);
  await t.admin("DELETE", `roles/${role}`, undefined, 204);
  for (const { headers } of [answer, second]) assert.equal(await works(String(headers["x-subject-token"])), false);
});

test("a domain manager manages its own domain and nothing else", async () => {
  const domain = await make("domains", "domain", { name: "managed" });
  const boss = await t.customer("boss", ["member"], domain);
  await t.admin("PUT", `domains/${domain}/users/${boss.userId}/roles/${await t.roleId("manager")}`, undefined, 204);
  const answer = await t.signIn(passwordAuth({ id: boss.userId }, "boss", { domain: { id: domain } }));
  const token = String(answer.headers["x-subject-token"]);
  const as = async (method: string, path: string, body: unknown, status: number): Promise<never> => {
    const got = await t.as(token, method, path, body);
    assert.equal(got.status, status, `${method} ${path}: ${got.text}`);
    return got.body;
  };
  const { user } = (await as("POST", "users", { user: { name: "staff", password: "staff" } }, 201)) as {
    user: { id: string; domain_id: string };
  };
  assert.equal(user.domain_id, domain, "the own domain by default");
  const { project } = (await as("POST", "projects", { project: { name: "work" } }, 201)) as {
    project: { id: string; domain_id: string };
  };
  assert.equal(project.domain_id, domain);
  await as("PUT", `projects/${project.id}/users/${user.id}/roles/${await t.roleId("member")}`, undefined, 204);
  assert.equal((await t.signIn(passwordAuth({ id: user.id }, "staff", { project: { id: project.id } }))).status, 201);
  await as("PUT", `projects/${project.id}/users/${user.id}/roles/${await t.roleId("admin")}`, undefined, 403);
  await as("PUT", `system/users/${user.id}/roles/${await t.roleId("reader")}`, undefined, 403);
  await as("POST", "users", { user: { name: "spy", domain_id: "default" } }, 403);
  await as("POST", "users", { user: { name: "spy", domain_id: "operators" } }, 403);
  const foreign = await t.customer("foreign-user");
  await as("GET", `users/${foreign.userId}`, undefined, 404);
  await as("PATCH", `users/${foreign.userId}`, { user: { password: "mine" } }, 404);
  await as("DELETE", `projects/${foreign.projectId}`, undefined, 404);
  await as("PUT", `projects/${foreign.projectId}/users/${user.id}/roles/${await t.roleId("member")}`, undefined, 404);
  await as("PUT", `projects/${project.id}/users/${foreign.userId}/roles/${await t.roleId("member")}`, undefined, 404);
  const users = (await as("GET", "users", undefined, 200)) as { users: { name: string }[] };
  assert.deepEqual(users.users.map((one) => one.name).toSorted(), ["boss", "staff"]);
  const others = (await as("GET", "users?domain_id=default", undefined, 200)) as { users: unknown[] };
  assert.deepEqual(others.users, []);
  const assignments = (await as("GET", "role_assignments", undefined, 200)) as { role_assignments: unknown[] };
  assert.equal(assignments.role_assignments.length, 3);
  await as("POST", "domains", { domain: { name: "more" } }, 403);
  await as("POST", "roles", { role: { name: "more" } }, 403);
  // with a token for a project, the manager's role is worth nothing here
  const forProject = await t.as(await boss.token(), "GET", "users");
  assert.equal(forProject.status, 403);
});

test("whatever roles a customer's account has, operators' things stay shut", async () => {
  const mallory = await t.customer("mallory", ["admin"]);
  await t.admin("PUT", `domains/operators/users/${mallory.userId}/roles/${await t.roleId("manager")}`, undefined, 204);
  await t.admin(
    "PUT",
    `projects/${t.operator.projectId}/users/${mallory.userId}/roles/${await t.roleId("admin")}`,
    undefined,
    204,
  );
  for (const scope of [{ domain: { id: "operators" } }, { project: { id: t.operator.projectId } }]) {
    for (const plane of ["customer", "operator"] as const) {
      assert.equal((await t.signIn(passwordAuth({ id: mallory.userId }, "mallory", scope), plane)).status, 401);
    }
  }
  const token = await mallory.token();
  for (const plane of ["customer", "operator"] as const)
    assert.equal((await t.as(token, "GET", "users", undefined, plane)).status, 403);
  const own = (await t.as(token, "GET", "auth/projects")).body as { projects: { id: string }[] };
  assert.deepEqual(
    own.projects.map((one) => one.id),
    [mallory.projectId],
  );
  assert.deepEqual(((await t.as(token, "GET", "auth/domains")).body as { domains: unknown[] }).domains, []);
});

test("role assignments, plain, with names, effective, filtered", async () => {
  const user = await t.customer("list", ["member"]);
  const group = await make("groups", "group", { name: "listed" });
  await t.admin("PUT", `groups/${group}/users/${user.userId}`, undefined, 204);
  await t.admin("PUT", `domains/default/groups/${group}/roles/${await t.roleId("reader")}`, undefined, 204);
  await t.admin("PUT", `system/groups/${group}/roles/${await t.roleId("reader")}`, undefined, 204);
  type Row = {
    role: { id: string; name?: string };
    user?: { id: string; name?: string; domain?: object };
    group?: { id: string };
    scope: object;
    links: { [key: string]: string };
  };
  const list = async (query: string): Promise<Row[]> =>
    ((await t.admin("GET", `role_assignments?${query}`, undefined, 200)) as { role_assignments: Row[] })
      .role_assignments;

  const [plain, ...none] = await list(`user.id=${user.userId}`);
  assert.deepEqual(none, []);
  assert.deepEqual(plain, {
    role: { id: await t.roleId("member") },
    user: { id: user.userId },
    scope: { project: { id: user.projectId } },
    links: {
      assignment: `https://operator.test/identity/v3/projects/${user.projectId}/users/${user.userId}/roles/${await t.roleId("member")}`,
    },
  });
  const [named] = await list(`user.id=${user.userId}&include_names`);
  assert.deepEqual(named?.user, { id: user.userId, name: "list", domain: { id: "default", name: "Default" } });
  assert.deepEqual(named?.scope, {
    project: { id: user.projectId, name: "list-project", domain: { id: "default", name: "Default" } },
  });
  const effective = await list(`user.id=${user.userId}&effective&include_names=True`);
  assert.deepEqual(
    effective
      .map((row) => `${row.role.name} ${Object.keys(row.scope)[0]} ${Object.keys(row.links).toSorted().join()}`)
      .toSorted(),
    [
      "member project assignment",
      "reader domain assignment,membership",
      "reader project assignment,prior_role",
      "reader system assignment,membership",
    ],
  );
  assert.equal((await list(`group.id=${group}`)).length, 2);
  assert.equal((await list(`group.id=${group}&scope.system=all`)).length, 1);
  assert.equal((await list(`group.id=${group}&scope.domain.id=default`)).length, 1);
  assert.equal((await list(`scope.project.id=${user.projectId}&role.id=${await t.roleId("member")}`)).length, 1);
  assert.equal((await list("scope.OS-INHERIT:inherited_to=projects")).length, 0);
  for (const wrong of [
    "user.id=a&group.id=b",
    "scope.project.id=a&scope.domain.id=b",
    "effective&group.id=a",
    "include_subtree",
  ]) {
    await t.admin("GET", `role_assignments?${wrong}`, undefined, 400);
  }
  const child = await make("projects", "project", { name: "child", parent_id: user.projectId });
  await t.admin("PUT", `projects/${child}/users/${user.userId}/roles/${await t.roleId("reader")}`, undefined, 204);
  assert.equal((await list(`scope.project.id=${user.projectId}&include_subtree`)).length, 2);
  for (const [method, path] of [
    ["PUT", `projects/none/users/${user.userId}/roles/${await t.roleId("reader")}`],
    ["PUT", `projects/${child}/users/none/roles/${await t.roleId("reader")}`],
    ["PUT", `projects/${child}/users/${user.userId}/roles/none`],
    ["GET", `domains/none/groups/${group}/roles`],
  ] as const) {
    await t.admin(method, path, undefined, 404);
  }
});

test("projects: trees, tags, filters, and what may not be", async () => {
  const parent = await make("projects", "project", {
    name: "tree",
    tags: ["blue", "old"],
    description: null,
    cost_centre: 7,
  });
  const shown = (
    (await t.admin("GET", `projects/${parent}`, undefined, 200)) as { project: { [key: string]: unknown } }
  ).project;
  assert.deepEqual(
    {
      parent: shown["parent_id"],
      description: shown["description"],
      tags: shown["tags"],
      extra: shown["cost_centre"],
      is_domain: shown["is_domain"],
    },
    { parent: "default", description: "", tags: ["blue", "old"], extra: 7, is_domain: false },
  );
  const child = await make("projects", "project", { name: "branch", parent_id: parent });
  await t.admin("DELETE", `projects/${parent}`, undefined, 403);
  await t.admin("PATCH", `projects/${parent}`, { project: { enabled: false } }, 403);
  await t.admin("PATCH", `projects/${child}`, { project: { enabled: false } }, 200);
  await t.admin("PATCH", `projects/${parent}`, { project: { enabled: false } }, 200);
  await t.admin("PATCH", `projects/${child}`, { project: { enabled: true } }, 403);
  await t.admin("POST", "projects", { project: { name: "leaf", parent_id: parent } }, 403);
  await t.admin("PATCH", `projects/${parent}`, { project: { enabled: true, parent_id: child } }, 403);
  await t.admin("PATCH", `projects/${parent}`, { project: { enabled: true, domain_id: "operators" } }, 400);
  await t.admin("POST", "projects", { project: { name: "tree" } }, 409);
  await t.admin("POST", "projects", { project: { name: "x", is_domain: true, parent_id: parent } }, 400);
  await t.admin("POST", "projects", { project: { name: "x".repeat(65) } }, 400);
  await t.admin("POST", "projects", { project: { name: "x", tags: ["a,b"] } }, 400);
  await t.admin("POST", "projects", { project: { name: "x", domain_id: "nowhere" } }, 404);
  await t.admin("POST", "projects", { project: { name: "x", parent_id: "nowhere" } }, 404);

  const names = async (query: string): Promise<string[]> => {
    const { projects } = (await t.admin("GET", `projects?${query}`, undefined, 200)) as {
      projects: { name: string }[];
    };
    return projects.map((project) => project.name);
  };
  assert.deepEqual(await names("tags=blue,old"), ["tree"]);
  assert.deepEqual(await names("tags=blue,new"), []);
  assert.deepEqual(await names("tags-any=blue,new"), ["tree"]);
  assert.ok(!(await names("not-tags-any=blue")).includes("tree"));
  assert.deepEqual(await names(`parent_id=${parent}`), ["branch"]);
  const domains = await names("is_domain=true");
  assert.ok(domains.includes("Default") && !domains.includes("tree"), domains.join());
  await t.admin("PUT", `projects/${parent}/tags/new`, undefined, 201);
  await t.admin("GET", `projects/${parent}/tags/new`, undefined, 204);
  await t.admin("DELETE", `projects/${parent}/tags/new`, undefined, 204);
  await t.admin("DELETE", `projects/${parent}/tags/new`, undefined, 404);
  assert.deepEqual(
    ((await t.admin("PUT", `projects/${parent}/tags`, { tags: ["red"] }, 200)) as { tags: string[] }).tags,
    ["red"],
  );
  await t.admin("DELETE", `projects/${parent}/tags`, undefined, 204);
  assert.deepEqual(((await t.admin("GET", `projects/${parent}/tags`, undefined, 200)) as { tags: string[] }).tags, []);

  let deep = parent;
  await t.admin("PATCH", `projects/${parent}`, { project: { enabled: true } }, 200);
  for (const level of [3, 4, 5]) deep = await make("projects", "project", { name: `level-${level}`, parent_id: deep });
  await t.admin("POST", "projects", { project: { name: "too deep", parent_id: deep } }, 403);
});

test("every change is an event", async () => {
  const rows = await t.app.db<{ action: string }[]>`select distinct action from event order by action`;
  const actions = new Set(rows.map((row) => row.action));
  for (const action of [
    "identity.domain.create",
    "identity.domain.delete",
    "identity.domain.update",
    "identity.group.add_user",
    "identity.group.create",
    "identity.group.delete",
    "identity.group.remove_user",
    "identity.project.create",
    "identity.project.delete",
    "identity.project.update",
    "identity.role.assign",
    "identity.role.cease_to_imply",
    "identity.role.create",
    "identity.role.delete",
    "identity.role.imply",
    "identity.role.unassign",
    "identity.role.update",
    "identity.token.issue",
    "identity.user.create",
  ]) {
    assert.ok(actions.has(action), action);
  }
});

test("a sign-in that races with the loss of its role never leaves a living token", async () => {
  const user = await t.customer("race");
  const grant = `projects/${user.projectId}/users/${user.userId}/roles/${await t.roleId("member")}`;
  const unscoped = String((await t.signIn(passwordAuth({ id: user.userId }, "race"))).headers["x-subject-token"]);
  for (let round = 0; round < 10; round += 1) {
    const [one, , two] = await Promise.all([
      t.signIn(tokenAuth(unscoped, { project: { id: user.projectId } })),
      t.admin("DELETE", grant, undefined, 204),
      t.signIn(tokenAuth(unscoped, { project: { id: user.projectId } })),
    ]);
    for (const answer of [one, two]) {
      if (answer.status === 201) assert.equal(await works(String(answer.headers["x-subject-token"])), false);
    }
    await t.admin("PUT", grant, undefined, 204);
  }
});
