import type { JsonObject } from "@andromede/base/json";

import type { ImmutableOption } from "../shared/identity.schema.ts";

export type Project = {
  id: string;
  domainId: string;
  /** null: directly below its domain. */
  parentId: string | null;
  name: string;
  description: string;
  enabled: boolean;
  tags: string[];
  /** Neither changed nor deleted until somebody says that it may be. */
  immutable: boolean;
  extra: JsonObject;
};

export type ProjectChange = {
  name?: string;
  description?: string | null;
  enabled?: boolean;
  domain_id?: string | null;
  parent_id?: string | null;
  is_domain?: boolean;
  tags?: string[];
  options?: ImmutableOption;
};

/** As Keystone's `max_project_tree_depth`: the domain counts as the first. */
export const MAX_DEPTH = 5;
export const MAX_TAGS = 80;
