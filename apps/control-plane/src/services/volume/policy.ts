/** Who may do what with volumes: OpenStack's rule names, and the role each asks for by default. */
import type { PolicyRule, RoleCheck } from "../../http/policy.ts";

const table: readonly (readonly [name: string, role: RoleCheck, description: string])[] = [
  ["volume:versions", "anyone", "Read the version documents"],
  ["volume:extensions", "authenticated", "List extensions"],
];

export const volumeRules: PolicyRule[] = table.map(([name, role, description]) => ({ name, role, description }));
