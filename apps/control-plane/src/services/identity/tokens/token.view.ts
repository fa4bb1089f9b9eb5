import type { CatalogEntry } from "../catalog/catalog.ts";
import type { TokenContents } from "./token.model.ts";

/** Keystone writes microseconds. */
const keystoneTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");

function scopeView({ scope }: TokenContents): object {
  switch (scope.kind) {
    case "project":
      return { project: scope.project, is_domain: false };
    case "domain":
      return { domain: scope.domain };
    case "system":
      return { system: { all: true } };
    case "unscoped":
      return {};
  }
}

/** The same body at issue and at every validation. */
export const toTokenView = (contents: TokenContents, catalog: CatalogEntry[] | null): object => ({
  token: {
    methods: contents.methods,
    user: { ...contents.user, password_expires_at: null },
    audit_ids: contents.auditIds,
    expires_at: keystoneTime(contents.expiresAtMs),
    issued_at: keystoneTime(contents.issuedAtMs),
    ...scopeView(contents),
    ...(contents.scope.kind === "unscoped" ? {} : { roles: contents.roles, ...(catalog === null ? {} : { catalog }) }),
    ...(contents.applicationCredential === undefined ? {} : { application_credential: contents.applicationCredential }),
  },
});
