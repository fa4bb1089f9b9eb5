/** No list of identity's reads a table that grows with customers from end to end. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type postgres from "postgres";

import { type Explained, explainedConnection } from "../../testing/explained.ts";
import { type TestApp, createTestApp } from "../../testing/test-app.ts";
import { listRules } from "./access-rules/access-rule.queries.ts";
import {
  listCredentialIdsOfProject,
  listCredentials as listApplicationCredentials,
} from "./application-credentials/application-credential.queries.ts";
import { listGrantedRoles, listScopesOfGroup } from "./assignments/assignment.queries.ts";
import { listAssignments } from "./assignments/list-assignments.queries.ts";
import { listCredentialIds, listCredentials, listCredentialsOfType } from "./credentials/credential.queries.ts";
import { listDomains, listDomainsOfUser } from "./domains/domain.queries.ts";
import { listGroups, listGroupsOfUser, listMemberIds } from "./groups/group.queries.ts";
import { listLimitIdsOfProject, listLimits } from "./limits/limit.queries.ts";
import {
  filterHeld,
  listAncestors,
  listChildren,
  listDeletedProjects,
  listProjects,
  listProjectsOfUser,
  listSubtree,
} from "./projects/project.queries.ts";
import { listEffectiveRoleIds, listRolesOfTrust, listTrustIdsOfProject, listTrusts } from "./trusts/trust.queries.ts";
import { listGroupMembers, listLastPasswords, listUsers } from "./users/user.queries.ts";

let app: TestApp;
let explained: Explained;

/** 2,000 customers: a domain each with four projects (one of them below another), four users and a group. */
async function seed(sql: postgres.Sql): Promise<void> {
  const [domains, all] = [sql`generate_series(1, 2000) d`, sql`generate_series(1, 2000) d, generate_series(1, 4) i`];
  const member = sql`(select id from role where name = 'member')`;
  await sql`insert into domain (id, name) select 'd' || d, 'domain' || d from ${domains}`;
  await sql`
    insert into project (id, domain_id, parent_id, name)
    select 'p' || d || '-' || i, 'd' || d, case when i = 4 then 'p' || d || '-1' end, 'project' || i from ${all} order by i`;
  // most have projects for each of their teams
  await sql`
    insert into project (id, domain_id, name) select 'q' || d || '-' || i, 'd' || d, 'team' || i from ${domains}, generate_series(1, 30) i`;
  await sql`insert into user_account (id, domain_id, name) select 'u' || d || '-' || i, 'd' || d, 'user' || i from ${all}`;
  await sql`insert into user_group (id, domain_id, name) select 'g' || d, 'd' || d, 'group' from ${domains}`;
  await sql`insert into group_member (group_id, user_id) select 'g' || d, 'u' || d || '-' || i from ${all}`;
  // and many more customers who have hardly begun
  const others = sql`generate_series(1, 30000) e`;
  await sql`insert into domain (id, name) select 'e' || e, 'empty' || e from ${others}`;
  await sql`insert into user_group (id, domain_id, name) select 'e' || e, 'e' || e, 'group' from ${others}`;
  await sql`insert into user_account (id, domain_id, name) select 'e' || e, 'e' || e, 'user' from ${others}`;
  await sql`insert into group_member (group_id, user_id) select 'e' || e, 'e' || e from ${others}`;
  await sql`
    insert into role_assignment (role_id, user_id, project_id) select ${member}, 'u' || d || '-' || i, 'p' || d || '-' || i from ${all}`;
  await sql`insert into role_assignment (role_id, group_id, project_id) select ${member}, 'g' || d, 'p' || d || '-1' from ${domains}`;
  await sql`
    insert into role_assignment (role_id, user_id, project_id) select ${member}, 'u' || d || '-3', 'q' || d || '-' || i
    from ${domains}, generate_series(1, 30) i`;
  await sql`
    insert into role_assignment (role_id, user_id, domain_id, inherited) select ${member}, 'u' || d || '-1', 'd' || d, true from ${domains}`;
  await sql`
    insert into application_credential (id, user_id, project_id, name, secret_hash)
    select 'a' || d || '-' || i, 'u' || d || '-' || i, 'p' || d || '-' || i, 'app', 'x' from ${all}`;
  await sql`
    insert into application_credential_role (application_credential_id, role_id) select 'a' || d || '-' || i, ${member} from ${all}`;
  await sql`
    insert into access_rule (id, user_id, service, path, method)
    select 'r' || d || '-' || i, 'u' || d || '-' || i, 'compute', '/v2.1/servers', 'GET' from ${all}`;
  await sql`
    insert into application_credential_access_rule (application_credential_id, access_rule_id)
    select 'a' || d || '-' || i, 'r' || d || '-' || i from ${all}`;
  await sql`
    insert into trust (id, trustor_user_id, trustee_user_id, project_id, impersonation)
    select 't' || d || '-' || i, 'u' || d || '-' || i, 'u' || d || '-' || (1 + i % 4), 'p' || d || '-' || i, true from ${all}`;
  await sql`insert into trust_role (trust_id, role_id) select 't' || d || '-' || i, ${member} from ${all}`;
  await sql`
    insert into credential (id, user_id, project_id, type, wrapped_blob)
    select 'c' || d || '-' || i, 'u' || d || '-' || i, 'p' || d || '-' || i, 'ec2', '\\x00' from ${all}`;
  await sql`
    insert into password_history (user_id, password_hash) select 'u' || d || '-' || i, 'x' from ${all}, generate_series(1, 2) n`;
  await sql`insert into registered_limit (id, service_id, resource_name, default_limit) values ('rl', 's', 'servers', 10)`;
  await sql`
    insert into resource_limit (id, registered_limit_id, project_id, resource_limit) select 'l' || d || '-' || i, 'rl', 'p' || d || '-' || i, 5
    from ${all}`;
  await sql`insert into deleted_project (id, domain_id, name) select 'x' || d || '-' || i, 'd' || d, 'x' from ${all}`;
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

const page = { name: undefined, enabled: undefined, limit: 100, marker: undefined };
const next = { ...page, marker: "p7" };
const tags = { tags: undefined, tagsAny: undefined, notTags: undefined, notTagsAny: undefined };
const projects = { ...page, ...tags, domainId: null, parentId: undefined };
const limits = {
  serviceId: undefined,
  regionId: undefined,
  resourceName: undefined,
  projectId: undefined,
  domainId: undefined,
};
const assignments = {
  userId: undefined,
  groupId: undefined,
  roleId: undefined,
  projectId: undefined,
  domainId: undefined,
  system: false,
  inherited: undefined,
  subtree: false,
  effective: false,
  within: null,
  limit: 100,
};

const CASES: [string, (sql: postgres.Sql) => PromiseLike<unknown>][] = [
  ["domains", (sql) => listDomains(sql, page, null)],
  ["domains by name", (sql) => listDomains(sql, { ...page, name: { exact: "domain7" } }, null)],
  ["the next page of domains", (sql) => listDomains(sql, { ...page, marker: "d7" }, null)],
  ["domains of a user", (sql) => listDomainsOfUser(sql, "u7-1")],
  ["all projects", (sql) => listProjects(sql, projects)],
  ["the next page of projects", (sql) => listProjects(sql, { ...projects, ...next })],
  ["projects of a domain", (sql) => listProjects(sql, { ...projects, domainId: "d7" })],
  [
    "projects of a domain by name",
    (sql) => listProjects(sql, { ...projects, domainId: "d7", name: { exact: "project1" } }),
  ],
  ["projects below a domain", (sql) => listProjects(sql, { ...projects, parentId: "d7" })],
  ["projects below a project", (sql) => listProjects(sql, { ...projects, parentId: "p7-1" })],
  ["projects of a user", (sql) => listProjectsOfUser(sql, "u7-1", page)],
  ["which projects a user has", (sql) => filterHeld(sql, "u7-1", ["p7-1", "p8-1"])],
  ["children", (sql) => listChildren(sql, "p7-1")],
  ["a subtree", (sql) => listSubtree(sql, "p7-1")],
  ["ancestors", (sql) => listAncestors(sql, "p7-4")],
  ["deleted projects", (sql) => listDeletedProjects(sql, 100)],
  ["all users", (sql) => listUsers(sql, page, null)],
  ["users of a domain", (sql) => listUsers(sql, page, "d7")],
  ["users of a domain by name", (sql) => listUsers(sql, { ...page, name: { exact: "user1" } }, "d7")],
  ["members of a group", (sql) => listGroupMembers(sql, "g7", page)],
  ["ids of members", (sql) => listMemberIds(sql, "g7")],
  ["last passwords", (sql) => listLastPasswords(sql, "u7-1", 5)],
  ["all groups", (sql) => listGroups(sql, page, null)],
  ["groups of a domain", (sql) => listGroups(sql, page, "d7")],
  ["groups of a user", (sql) => listGroupsOfUser(sql, "u7-1", page)],
  ["all credentials", (sql) => listCredentials(sql, { userId: null, type: undefined, projectId: null, limit: 100 })],
  [
    "credentials of a user",
    (sql) => listCredentials(sql, { userId: "u7-1", type: undefined, projectId: null, limit: 100 }),
  ],
  [
    "credentials of a user for a project",
    (sql) => listCredentials(sql, { userId: "u7-1", type: "ec2", projectId: "p7-1", limit: 100 }),
  ],
  ["credentials of a kind", (sql) => listCredentialsOfType(sql, "u7-1", "totp")],
  ["credentials of a project", (sql) => listCredentialIds(sql, "p7-1")],
  ["application credentials", (sql) => listApplicationCredentials(sql, "u7-1", undefined)],
  ["application credentials of a project", (sql) => listCredentialIdsOfProject(sql, "p7-1")],
  ["access rules", (sql) => listRules(sql, "u7-1", { service: undefined, path: undefined, method: undefined })],
  ["all trusts", (sql) => listTrusts(sql, { trustorId: undefined, trusteeId: undefined, limit: 100 }, Date.now())],
  [
    "trusts of who gave them",
    (sql) => listTrusts(sql, { trustorId: "u7-1", trusteeId: undefined, limit: 100 }, Date.now()),
  ],
  [
    "trusts of who has them",
    (sql) => listTrusts(sql, { trustorId: undefined, trusteeId: "u7-1", limit: 100 }, Date.now()),
  ],
  ["trusts of a project", (sql) => listTrustIdsOfProject(sql, "p7-1")],
  ["roles of a trust", (sql) => listRolesOfTrust(sql, "t7-1")],
  ["roles in effect", (sql) => listEffectiveRoleIds(sql, "u7-1", "p7-4")],
  ["all limits", (sql) => listLimits(sql, { ...limits, projectId: "p7-1" }, "all")],
  ["limits of a project", (sql) => listLimits(sql, limits, { projectId: "p7-1" })],
  ["limits of a domain", (sql) => listLimits(sql, limits, { domainId: "d7" })],
  ["ids of a project's limits", (sql) => listLimitIdsOfProject(sql, "p7-1")],
  [
    "roles that somebody was given",
    (sql) => listGrantedRoles(sql, { kind: "user", id: "u7-1" }, { kind: "project", id: "p7-1", inherited: false }),
  ],
  ["where a group has roles", (sql) => listScopesOfGroup(sql, "g7")],
  ["assignments of a user", (sql) => listAssignments(sql, { ...assignments, userId: "u7-1" })],
  [
    "assignments of a user in effect",
    (sql) => listAssignments(sql, { ...assignments, userId: "u7-1", effective: true }),
  ],
  ["assignments on a project", (sql) => listAssignments(sql, { ...assignments, projectId: "p7-1" })],
  ["assignments in a domain", (sql) => listAssignments(sql, { ...assignments, within: "d7" })],
];

/** The policies' own roles and few more; what implies what; what an operator limits. */
const SMALL = ["role", "role_implication", "registered_limit"];

for (const [name, send] of CASES) {
  test(`${name}: by index`, async () => {
    const scanned = await explained.seqScans(send);
    assert.deepEqual(
      scanned.filter((table) => !SMALL.includes(table)),
      [],
    );
  });
}

test("a scan is seen when there is one", async () => {
  assert.deepEqual(await explained.seqScans((sql) => sql`select * from project where description = 'x'`), ["project"]);
});
