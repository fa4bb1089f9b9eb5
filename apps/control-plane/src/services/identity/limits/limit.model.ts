/** Unified limits: what a resource's limit is, unless a project or a domain has one of its own. */
export type RegisteredLimit = {
  id: string;
  serviceId: string;
  regionId: string | null;
  resourceName: string;
  defaultLimit: number;
  description: string | null;
};

/** One place's own. */
export type Limit = {
  id: string;
  registeredLimitId: string;
  projectId: string | null;
  domainId: string | null;
  /** Of the registered limit. */
  serviceId: string;
  regionId: string | null;
  resourceName: string;
  resourceLimit: number;
  description: string | null;
};

/** Where a limit stands does not depend on the projects above it (Keystone's model "flat", its default). */
export const LIMIT_MODEL = {
  name: "flat",
  description: "Limit enforcement and validation does not take project hierarchy into consideration.",
} as const;
