import type { PolicyRule, RoleCheck } from "../../http/policy.ts";

/**
 * Names are Keystone's. What the token must carry at least; whose things it then may touch is decided in the use case
 * (shared/authority.ts): operators everything, a token for a domain what is in that domain, anybody themselves.
 */
const groups: [role: RoleCheck, description: string, names: string[]][] = [
  ["anyone", "Version documents", ["list_versions", "get_version"]],
  ["anyone", "Sign in", ["authenticate"]],
  [
    "authenticated",
    "Validate, check or end a token: one's own user's; operators anybody's",
    ["validate_token", "check_token", "revoke_token"],
  ],
  [
    "authenticated",
    "What the token's user could get a token for",
    ["get_auth_projects", "get_auth_domains", "get_auth_system"],
  ],
  [
    "authenticated",
    "What this cloud offers and where",
    [
      "get_auth_catalog",
      "list_services",
      "get_service",
      "list_endpoints",
      "get_endpoint",
      "list_regions",
      "get_region",
    ],
  ],
  ["authenticated", "The domain the token is in; operators any", ["get_domain"]],
  ["reader", "Domains within the token's domain authority", ["list_domains"]],
  ["admin", "Manage domains", ["create_domain", "update_domain", "delete_domain"]],
  [
    "authenticated",
    "The token's project, or within its domain authority",
    ["get_project", "list_project_tags", "get_project_tag"],
  ],
  ["authenticated", "One's own projects, or of a user within the token's domain authority", ["list_user_projects"]],
  ["reader", "Projects within the token's domain authority", ["list_projects"]],
  [
    "manager",
    "Manage projects within the token's domain authority",
    [
      "create_project",
      "update_project",
      "delete_project",
      "update_project_tags",
      "delete_project_tags",
      "create_project_tag",
      "delete_project_tag",
    ],
  ],
  ["authenticated", "Oneself, or a user within the token's domain authority", ["get_user", "list_groups_for_user"]],
  ["anyone", "Change a password, knowing it", ["change_password"]],
  ["reader", "Users within the token's domain authority", ["list_users"]],
  ["manager", "Manage users within the token's domain authority", ["create_user", "update_user", "delete_user"]],
  [
    "reader",
    "Groups within the token's domain authority",
    ["list_groups", "get_group", "list_users_in_group", "check_user_in_group"],
  ],
  [
    "manager",
    "Manage groups within the token's domain authority",
    ["create_group", "update_group", "delete_group", "add_user_to_group", "remove_user_from_group"],
  ],
  ["manager", "Roles a domain manager may hand on; operators all", ["list_roles", "get_role"]],
  ["admin", "Manage roles", ["create_role", "update_role", "delete_role"]],
  [
    "admin",
    "Which roles imply which",
    [
      "list_role_inference_rules",
      "list_implied_roles",
      "get_implied_role",
      "check_implied_role",
      "create_implied_role",
      "delete_implied_role",
    ],
  ],
  [
    "reader",
    "Assignments within the token's domain authority",
    ["list_role_assignments", "list_grants", "check_grant"],
  ],
  ["manager", "Give and take roles within the token's domain authority", ["create_grant", "revoke_grant"]],
  [
    "admin",
    "Roles on the system",
    [
      "list_system_grants_for_user",
      "check_system_grant_for_user",
      "create_system_grant_for_user",
      "revoke_system_grant_for_user",
      "list_system_grants_for_group",
      "check_system_grant_for_group",
      "create_system_grant_for_group",
      "revoke_system_grant_for_group",
    ],
  ],
  [
    "authenticated",
    "One's own application credentials; operators anybody's",
    ["list_application_credentials", "get_application_credential", "delete_application_credential"],
  ],
  ["authenticated", "One's own application credentials", ["create_application_credential"]],
  [
    "authenticated",
    "One's own access rules; operators anybody's",
    ["list_access_rules", "get_access_rule", "delete_access_rule"],
  ],
  [
    "authenticated",
    "Trusts that one gave or was given; operators all",
    ["list_trusts", "get_trust", "delete_trust", "list_roles_for_trust", "get_role_for_trust"],
  ],
  ["authenticated", "Lend one's own roles", ["create_trust"]],
  [
    "authenticated",
    "One's own credentials; operators anybody's",
    [
      "list_credentials",
      "get_credential",
      "create_credential",
      "update_credential",
      "delete_credential",
      "ec2_list_credentials",
      "ec2_get_credential",
      "ec2_create_credential",
      "ec2_delete_credential",
    ],
  ],
  [
    "admin",
    "Whose signature is it? For services that take signed requests",
    ["ec2tokens_validate", "s3tokens_validate"],
  ],
  ["admin", "What a day's signatures with an access key are checked with; for the object store", ["open_signing_key"]],
  [
    "admin",
    "Manage the catalog",
    [
      "create_service",
      "update_service",
      "delete_service",
      "create_endpoint",
      "update_endpoint",
      "delete_endpoint",
      "create_region",
      "update_region",
      "delete_region",
    ],
  ],
  [
    "authenticated",
    "Limits in general, and those of the token's project or domain; operators all",
    ["list_registered_limits", "get_registered_limit", "list_limits", "get_limit", "get_limit_model"],
  ],
  [
    "admin",
    "Manage limits",
    [
      "create_registered_limits",
      "update_registered_limit",
      "delete_registered_limit",
      "create_limits",
      "update_limit",
      "delete_limit",
    ],
  ],
];

export const identityRules: PolicyRule[] = groups.flatMap(([role, description, names]) =>
  names.map((name) => ({ name: `identity:${name}`, role, description })),
);
