/** Keystone v3, as far as we call it ourselves. */
import type { Cloud } from "./client.ts";

export type Named = { id: string; name: string };

/** The domain of that name; null when there is none. */
export async function findDomain(cloud: Cloud, name: string): Promise<Named | null> {
  const { domains } = await cloud.call<{ domains: Named[] }>("identity", "GET", "/domains", { query: { name } });
  return domains[0] ?? null;
}

/** The project of that name in a domain; null when there is none. */
export async function findProject(cloud: Cloud, name: string, domainId: string): Promise<Named | null> {
  const { projects } = await cloud.call<{ projects: Named[] }>("identity", "GET", "/projects", {
    query: { name, domain_id: domainId },
  });
  return projects[0] ?? null;
}

export async function createProject(
  cloud: Cloud,
  project: { name: string; domain_id: string; description: string },
): Promise<Named> {
  return (await cloud.call<{ project: Named }>("identity", "POST", "/projects", { body: { project } })).project;
}

/** The user of that name in a domain; null when there is none. */
export async function findUser(cloud: Cloud, name: string, domainId: string): Promise<Named | null> {
  const { users } = await cloud.call<{ users: Named[] }>("identity", "GET", "/users", {
    query: { name, domain_id: domainId },
  });
  return users[0] ?? null;
}

export async function createUser(
  cloud: Cloud,
  user: { name: string; domain_id: string; password: string; default_project_id?: string },
): Promise<Named> {
  return (await cloud.call<{ user: Named }>("identity", "POST", "/users", { body: { user } })).user;
}

/** The role of that name; null when there is none. */
export async function findRole(cloud: Cloud, name: string): Promise<Named | null> {
  const { roles } = await cloud.call<{ roles: Named[] }>("identity", "GET", "/roles", { query: { name } });
  return roles[0] ?? null;
}

/** Idempotent. */
export async function grantProjectRole(cloud: Cloud, projectId: string, userId: string, roleId: string): Promise<void> {
  await cloud.call<undefined>("identity", "PUT", `/projects/${projectId}/users/${userId}/roles/${roleId}`);
}
