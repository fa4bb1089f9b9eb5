/** Security groups as Nova's older API shows them: what their rules let in, other groups by name. */
import type { Queryable } from "@andromede/platform/db/database";

import type { SecurityGroupRule } from "../security-group-rules/security-group-rule.model.ts";
import { listRulesOfGroups } from "../security-group-rules/security-group-rule.queries.ts";
import type { SecurityGroup } from "../security-groups/security-group.model.ts";
import { listGroupsById, listGroupsOf } from "../security-groups/security-group.queries.ts";

type Described = Pick<SecurityGroup, "id" | "projectId" | "name" | "description">;

export type DescribedSecurityGroup = Described & {
  ingress: (Pick<SecurityGroupRule, "id" | "ethertype" | "protocol" | "portRangeMin" | "portRangeMax"> & {
    remoteGroup: { name: string; projectId: string } | null;
    remoteIpPrefix: string | null;
  })[];
};

/** Of a project, or, for null, of everybody. */
export const describeProjectSecurityGroups = async (
  sql: Queryable,
  projectId: string | null,
  page: { limit: number; offset: number },
): Promise<DescribedSecurityGroup[]> => describeSecurityGroups(sql, await listGroupsOf(sql, projectId, page));

/** Unknown ids are passed over. */
export const describeSecurityGroupsById = async (sql: Queryable, ids: string[]): Promise<DescribedSecurityGroup[]> =>
  describeSecurityGroups(sql, ids.length === 0 ? [] : await listGroupsById(sql, ids));

async function describeSecurityGroups(sql: Queryable, groups: Described[]): Promise<DescribedSecurityGroup[]> {
  if (groups.length === 0) return [];
  const rules = await listRulesOfGroups(
    sql,
    groups.map(({ id }) => id),
  );
  const ingress = rules.filter(({ direction }) => direction === "ingress");
  const named = new Set(ingress.flatMap(({ remoteGroupId }) => remoteGroupId ?? []));
  const remotes = new Map((await listGroupsById(sql, [...named])).map((group) => [group.id, group]));
  return groups.map(({ id, projectId, name, description }) => ({
    id,
    projectId,
    name,
    description,
    ingress: ingress
      .filter(({ securityGroupId }) => securityGroupId === id)
      .map((rule) => {
        const remote = rule.remoteGroupId === null ? undefined : remotes.get(rule.remoteGroupId);
        return {
          ...rule,
          remoteGroup: remote === undefined ? null : { name: remote.name, projectId: remote.projectId },
        };
      }),
  }));
}
