/** Who may do what with volumes: OpenStack's rule names, and the role each asks for by default. */
import type { PolicyRule, RoleCheck } from "../../http/policy.ts";

const table: readonly (readonly [name: string, role: RoleCheck, description: string])[] = [
  ["volume:versions", "anyone", "Read the version documents"],
  ["volume:extensions", "authenticated", "List extensions"],
  ["volume:get_all", "reader", "List volumes"],
  ["volume:get", "reader", "Show a volume"],
  ["volume:create", "member", "Create a volume"],
  ["volume:update", "member", "Rename and describe a volume"],
  ["volume:delete", "member", "Delete a volume"],
  ["volume:action", "member", "Ask for an action on a volume; operators' actions ask for an operator"],
  ["volume:get_volume_metadata", "reader", "Show a volume's metadata"],
  ["volume:create_volume_metadata", "member", "Add metadata to a volume"],
  ["volume:update_volume_metadata", "member", "Change a volume's metadata"],
  ["volume:delete_volume_metadata", "member", "Remove metadata of a volume"],
  ["volume_extension:volume_encryption_metadata", "reader", "Show how a volume is encrypted"],
  ["volume_extension:volume_manage", "admin", "Take over existing storage"],
  ["volume_extension:list_manageable", "admin", "List existing storage"],
  ["volume:get_all_snapshots", "reader", "List snapshots"],
  ["volume:get_snapshot", "reader", "Show a snapshot"],
  ["volume:create_snapshot", "member", "Create a snapshot"],
  ["volume:update_snapshot", "member", "Rename and describe a snapshot"],
  ["volume:delete_snapshot", "member", "Delete a snapshot"],
  ["volume:snapshot_action", "member", "Ask for an action on a snapshot; operators' actions ask for an operator"],
  ["volume:get_snapshot_metadata", "reader", "Show a snapshot's metadata"],
  ["volume:update_snapshot_metadata", "member", "Change a snapshot's metadata"],
  ["volume:delete_snapshot_metadata", "member", "Remove metadata of a snapshot"],
];

export const volumeRules: PolicyRule[] = table.map(([name, role, description]) => ({ name, role, description }));
