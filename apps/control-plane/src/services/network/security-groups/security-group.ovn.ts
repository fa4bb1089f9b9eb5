/** security group -> Port_Group with its ACLs. Membership is the ports' business (port.ovn.ts). */
import { type Draft, type Ref, writeOvn } from "../ovn/draft.ts";
import { CLASS, DROP_GROUP, NAME, RULE, marks, portGroupName } from "../ovn/names.ts";
import type { OvnNorthbound, Row } from "../ovn/northbound.ts";
import { type OvnSecurityGroupRule, dropGroupAcls, isVoid, ruleAcl } from "./security-group-acls.ovn.ts";

/** What OVN must know of a security group. */
export type OvnSecurityGroup = {
  readonly id: string;
  readonly name: string;
  readonly stateful: boolean;
  readonly rules: readonly OvnSecurityGroupRule[];
};

type Group = { readonly ref: Ref; readonly row: Row<"Port_Group"> | undefined };

/** The port group by that name; an empty one is made if there is none, so that nobody must wait for the group's own turn. */
export function findOrMakeGroup(ovn: OvnNorthbound, draft: Draft, securityGroupId: string): Group {
  const name = portGroupName(securityGroupId);
  const row = ovn.named.Port_Group.first(name);
  if (row !== undefined) return { ref: row._uuid, row };
  return {
    ref: draft.row("Port_Group", undefined, { name, external_ids: marks("security_group", securityGroupId) }),
    row,
  };
}

/** The group of all ports with port security, made with its ACLs if it is missing. */
export function findOrMakeDropGroup(ovn: OvnNorthbound, draft: Draft): Group {
  const row = ovn.named.Port_Group.first(DROP_GROUP);
  if (row !== undefined) return { ref: row._uuid, row };
  const group = {
    ref: draft.row("Port_Group", undefined, { name: DROP_GROUP, external_ids: { [CLASS]: "base" } }),
    row,
  };
  writeAcls(ovn, draft, group, dropGroupAcls());
  return group;
}

function writeAcls(
  ovn: OvnNorthbound,
  draft: Draft,
  group: Group,
  wanted: readonly ReturnType<typeof ruleAcl>[],
): void {
  const table = ovn.client.table("ACL");
  const existing = (group.row?.acls ?? []).map((uuid) => table.get(uuid)).filter((row) => row !== undefined);
  const byRule = new Map(existing.map((row) => [row.external_ids[RULE], row]));
  const kept = new Set<Ref>();
  const refs = wanted.map((acl) => {
    const row = byRule.get(acl.external_ids[RULE]);
    if (row !== undefined) kept.add(row._uuid);
    return draft.row("ACL", row, acl);
  });
  draft.members("Port_Group", group, "acls", {
    add: refs,
    remove: existing.map((row) => row._uuid).filter((uuid) => !kept.has(uuid)),
  });
}

/** What every port relies on is in OVN as this version wants it. For the leader's start. */
export function ensureBase(ovn: OvnNorthbound): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const group = findOrMakeDropGroup(ovn, draft);
    if (group.row !== undefined) writeAcls(ovn, draft, group, dropGroupAcls());
  });
}

/** The group and all its rules are in OVN as given. */
export function ensureSecurityGroup(ovn: OvnNorthbound, group: OvnSecurityGroup): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const name = portGroupName(group.id);
    const row = ovn.named.Port_Group.first(name);
    const ref = draft.row("Port_Group", row, {
      name,
      external_ids: marks("security_group", group.id, { [NAME]: group.name }),
    });
    // A match on a group that does not exist is an error to OVN, and the rule would be void.
    const remotes = new Set(
      group.rules.map((rule) => rule.remoteGroupId).filter((id) => id !== null && id !== group.id),
    );
    for (const remote of remotes) if (remote !== null) findOrMakeGroup(ovn, draft, remote);
    writeAcls(
      ovn,
      draft,
      { ref, row },
      group.rules.filter((rule) => !isVoid(rule)).map((rule) => ruleAcl(group.id, group.stateful, rule)),
    );
  });
}

/** Nothing of the group is left in OVN; its ports leave it by that. */
export function removeSecurityGroup(ovn: OvnNorthbound, securityGroupId: string): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const row = ovn.named.Port_Group.first(portGroupName(securityGroupId));
    if (row !== undefined) draft.remove("Port_Group", [row]);
  });
}
