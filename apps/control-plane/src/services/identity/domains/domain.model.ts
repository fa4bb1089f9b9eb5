import type { JsonObject } from "@andromede/base/json";
import type { Plane } from "@andromede/platform/tokens/actor";

import type { ImmutableOption } from "../shared/identity.schema.ts";

export type Domain = {
  id: string;
  name: string;
  description: string;
  enabled: boolean;
  directory: Plane;
  tags: string[];
  /** Neither changed nor deleted until somebody says that it may be. */
  immutable: boolean;
  extra: JsonObject;
};

/** There from the first migration, and never to go: ordinary clients expect the one, operators live in the other. */
export const DEFAULT_DOMAIN = "default";
export const OPERATORS_DOMAIN = "operators";
export const isBuiltIn = (domainId: string): boolean => domainId === DEFAULT_DOMAIN || domainId === OPERATORS_DOMAIN;

export type DomainChange = {
  name?: string;
  description?: string | null;
  enabled?: boolean;
  tags?: string[];
  options?: ImmutableOption;
};
