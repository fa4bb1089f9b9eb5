import type { Queryable } from "@andromede/platform/db/database";

import type { NetworkQuotaName } from "../servers/server-ports.model.ts";
import type { StoredQuota } from "./quota.model.ts";

export type NetworkProject = { quota: StoredQuota; defaultSecurityGroupId: string | null };

/** Tables whose rows count. */
const COUNTED: { readonly [name in NetworkQuotaName]: string } = {
  network: "network",
  subnet: "subnet",
  subnetpool: "subnetpool",
  port: "port",
  router: "router",
  floatingip: "floatingip",
  security_group: "security_group",
  security_group_rule: "security_group_rule",
  rbac_policy: "rbac_policy",
  trunk: "trunk",
};

export async function findProject(sql: Queryable, projectId: string): Promise<NetworkProject | null> {
  const [row] = await sql<NetworkProject[]>`
    select quota, default_security_group_id from network_project where project_id = ${projectId}`;
  return row ?? null;
}

/** Holds the project's row until the transaction ends: what is counted behind this in the same flight is final. */
export async function lockProject(sql: Queryable, projectId: string): Promise<NetworkProject | null> {
  const [row] = await sql<NetworkProject[]>`
    select quota, default_security_group_id from network_project where project_id = ${projectId} for update`;
  return row ?? null;
}

/** The project's first use of the network. */
export async function insertProject(sql: Queryable, projectId: string): Promise<void> {
  await sql`insert into network_project (project_id) values (${projectId}) on conflict do nothing`;
}

export async function countOwned(sql: Queryable, name: NetworkQuotaName, projectId: string): Promise<number> {
  const [row] = await sql<
    { used: number }[]
  >`select count(*)::integer as used from ${sql(COUNTED[name])} where project_id = ${projectId}`;
  return row?.used ?? 0;
}

export async function findUsage(
  sql: Queryable,
  projectId: string,
): Promise<{ quota: StoredQuota | null } & { [name in NetworkQuotaName]: number }> {
  const [row] = await sql`
    select (select quota from network_project where project_id = ${projectId}) as quota,
      (select count(*)::integer from network where project_id = ${projectId}) as network,
      (select count(*)::integer from subnet where project_id = ${projectId}) as subnet,
      (select count(*)::integer from subnetpool where project_id = ${projectId}) as subnetpool,
      (select count(*)::integer from port where project_id = ${projectId}) as port,
      (select count(*)::integer from router where project_id = ${projectId}) as router,
      (select count(*)::integer from floatingip where project_id = ${projectId}) as floatingip,
      (select count(*)::integer from security_group where project_id = ${projectId}) as "securityGroup",
      (select count(*)::integer from security_group_rule where project_id = ${projectId}) as "securityGroupRule",
      (select count(*)::integer from rbac_policy where project_id = ${projectId}) as "rbacPolicy",
      (select count(*)::integer from trunk where project_id = ${projectId}) as trunk`;
  const { quota, securityGroup, securityGroupRule, rbacPolicy, ...rest } = row as unknown as {
    [name: string]: number;
  } & { quota: StoredQuota | null };
  return {
    ...rest,
    quota,
    security_group: securityGroup,
    security_group_rule: securityGroupRule,
    rbac_policy: rbacPolicy,
  } as { quota: StoredQuota | null } & { [name in NetworkQuotaName]: number };
}

export async function listChangedQuotas(sql: Queryable): Promise<{ projectId: string; quota: StoredQuota }[]> {
  return sql`select project_id, quota from network_project where quota <> '{}' order by project_id`;
}

export async function updateQuota(sql: Queryable, projectId: string, change: StoredQuota): Promise<StoredQuota> {
  const [row] = await sql<{ quota: StoredQuota }[]>`
    insert into network_project (project_id, quota) values (${projectId}, ${sql.json(change)})
    on conflict (project_id) do update set quota = network_project.quota || excluded.quota returning quota`;
  return row?.quota ?? {};
}

/** False: nothing had been set. */
export async function clearQuota(sql: Queryable, projectId: string): Promise<boolean> {
  const rows =
    await sql`update network_project set quota = '{}' where project_id = ${projectId} and quota <> '{}' returning project_id`;
  return rows.length > 0;
}

/** The project is purged: nothing of it is left here. */
export async function deleteProject(sql: Queryable, projectId: string): Promise<void> {
  await sql`delete from network_project where project_id = ${projectId}`;
}
