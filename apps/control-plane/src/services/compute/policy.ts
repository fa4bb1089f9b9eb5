/** Who may do what with compute: OpenStack's rule names, and the role each asks for by default. */
import type { PolicyRule, RoleCheck } from "../../http/policy.ts";

const P = "os_compute_api:";

const table: readonly (readonly [name: string, role: RoleCheck, description: string])[] = [
  ["versions", "anyone", "Read the version documents"],
  ["extensions", "authenticated", "List extensions"],
  ["flavors", "authenticated", "List and show flavors"],
  ["os-flavor-manage:create", "admin", "Create a flavor"],
  ["os-flavor-manage:update", "admin", "Describe a flavor"],
  ["os-flavor-manage:delete", "admin", "Delete a flavor"],
  ["os-flavor-access", "admin", "List the projects that may use a flavor"],
  ["os-flavor-access:add_tenant_access", "admin", "Let a project use a flavor, or no longer"],
  ["os-flavor-extra-specs:index", "reader", "List a flavor's extra specs"],
  ["os-flavor-extra-specs:show", "reader", "Show an extra spec of a flavor"],
  ["os-flavor-extra-specs:create", "admin", "Add extra specs to a flavor"],
  ["os-flavor-extra-specs:update", "admin", "Change an extra spec of a flavor"],
  ["os-flavor-extra-specs:delete", "admin", "Remove an extra spec of a flavor"],
  ["os-keypairs:index", "authenticated", "List one's key pairs"],
  ["os-keypairs:show", "authenticated", "Show one's key pair"],
  ["os-keypairs:create", "authenticated", "Create or import a key pair"],
  ["os-keypairs:delete", "authenticated", "Delete a key pair"],
  ["servers:index", "reader", "List servers"],
  ["servers:detail", "reader", "List servers with details"],
  ["servers:show", "reader", "Show a server"],
  ["servers:create", "member", "Create servers"],
  ["servers:update", "member", "Rename and describe a server"],
  ["servers:delete", "member", "Delete a server"],
  ["servers:action", "reader", "Ask for an action on a server; each action has a rule of its own"],
  ["servers:start", "member", "Start a server"],
  ["servers:stop", "member", "Stop a server"],
  ["servers:reboot", "member", "Reboot a server"],
  ["os-pause-server:pause", "member", "Pause a server"],
  ["os-pause-server:unpause", "member", "Unpause a server"],
  ["os-suspend-server:suspend", "member", "Suspend a server"],
  ["os-suspend-server:resume", "member", "Resume a server"],
  ["os-lock-server:lock", "member", "Lock a server"],
  ["os-lock-server:unlock", "member", "Unlock a server"],
  ["os-deferred-delete:force", "member", "Delete a server at once"],
  ["os-console-output", "member", "Read a server's console output"],
  ["os-remote-consoles", "member", "Open a server's console"],
  ["os-admin-actions:reset_state", "admin", "Reset a server's state"],
  ["os-security-groups:get", "reader", "List security groups"],
  ["os-security-groups:show", "reader", "Show a security group"],
  ["os-security-groups:create", "member", "Create a security group"],
  ["os-security-groups:update", "member", "Rename a security group"],
  ["os-security-groups:delete", "member", "Delete a security group"],
  ["os-security-groups:list", "reader", "List a server's security groups"],
  ["os-security-groups:add", "member", "Add a security group to a server"],
  ["os-security-groups:remove", "member", "Remove a security group from a server"],
  ["server-metadata:index", "reader", "List a server's metadata"],
  ["server-metadata:show", "reader", "Show a metadata item of a server"],
  ["server-metadata:create", "member", "Add metadata to a server"],
  ["server-metadata:update", "member", "Change a metadata item of a server"],
  ["server-metadata:update_all", "member", "Replace a server's metadata"],
  ["server-metadata:delete", "member", "Remove a metadata item of a server"],
  ["os-server-tags:index", "reader", "List a server's tags"],
  ["os-server-tags:show", "reader", "Ask whether a server has a tag"],
  ["os-server-tags:update", "member", "Add a tag to a server"],
  ["os-server-tags:update_all", "member", "Replace a server's tags"],
  ["os-server-tags:delete", "member", "Remove a tag of a server"],
  ["os-server-tags:delete_all", "member", "Remove all tags of a server"],
  ["ips:index", "reader", "List a server's addresses"],
  ["ips:show", "reader", "List a server's addresses on a network"],
  ["os-attach-interfaces:list", "reader", "List a server's interfaces"],
  ["os-attach-interfaces:show", "reader", "Show an interface of a server"],
  ["os-attach-interfaces:create", "member", "Attach an interface to a server"],
  ["os-attach-interfaces:delete", "member", "Detach an interface of a server"],
  ["os-instance-actions:list", "reader", "List what was done to a server"],
  ["os-instance-actions:show", "reader", "Show something that was done to a server"],
  ["os-server-groups:index", "reader", "List server groups"],
  ["os-server-groups:show", "reader", "Show a server group"],
  ["os-server-groups:create", "member", "Create a server group"],
  ["os-server-groups:delete", "member", "Delete a server group"],
  ["os-aggregates:index", "admin", "List aggregates"],
  ["os-aggregates:show", "admin", "Show an aggregate"],
  ["os-aggregates:create", "admin", "Create an aggregate"],
  ["os-aggregates:update", "admin", "Rename an aggregate, or change its zone"],
  ["os-aggregates:delete", "admin", "Delete an aggregate"],
  ["os-aggregates:add_host", "admin", "Add a host to an aggregate"],
  ["os-aggregates:remove_host", "admin", "Remove a host from an aggregate"],
  ["os-aggregates:set_metadata", "admin", "Set an aggregate's metadata"],
  ["limits", "reader", "Show limits and usage"],
  ["os-quota-sets:show", "reader", "Show a project's quotas"],
  ["os-quota-sets:detail", "reader", "Show a project's quotas and usage"],
  ["os-quota-sets:defaults", "authenticated", "Show the default quotas"],
  ["os-quota-sets:update", "admin", "Set a project's quotas"],
  ["os-quota-sets:delete", "admin", "Set a project's quotas back to the defaults"],
  ["os-availability-zone:list", "authenticated", "List availability zones"],
  ["os-availability-zone:detail", "admin", "List availability zones with their hosts"],
  ["os-hypervisors:list", "admin", "List hypervisors"],
  ["os-hypervisors:list-detail", "admin", "List hypervisors with details"],
  ["os-hypervisors:show", "admin", "Show a hypervisor"],
  ["os-hypervisors:search", "admin", "Search hypervisors by name"],
  ["os-hypervisors:servers", "admin", "List the servers on hypervisors"],
  ["os-hypervisors:statistics", "admin", "Show totals over all hypervisors"],
  ["os-services:list", "admin", "List compute services"],
  ["os-services:update", "admin", "Enable or disable a compute service"],
];

/** Rules that Nova added later have another prefix. */
const later: readonly PolicyRule[] = [
  { name: "compute:aggregates:images", role: "admin", description: "Have an aggregate's hosts fetch images" },
];

export const computeRules: PolicyRule[] = [
  ...table.map(([name, role, description]) => ({ name: `${P}${name}`, role, description })),
  ...later,
];

const byName = new Map(computeRules.map((rule) => [rule.name, rule]));

/** For the one route that many rules share: the action's own. */
export function ruleNamed(name: string): PolicyRule {
  const rule = byName.get(name);
  if (rule === undefined) throw new Error(`no policy rule ${name}`);
  return rule;
}
