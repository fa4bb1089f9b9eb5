import type { PolicyRule } from "../../http/policy.ts";

export const operatorRules: PolicyRule[] = [
  { name: "operator:create_project_purge", role: "admin", description: "Purge a project: remove all that it owns" },
  { name: "operator:list_project_purges", role: "admin", description: "List purges of projects" },
  { name: "operator:get_project_purge", role: "admin", description: "Show how far the purge of a project is" },
];
