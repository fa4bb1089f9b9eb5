import type { TokenContents, TokenTrust } from "@andromede/platform/tokens/token.model";

import type { CatalogEntry } from "../catalog/catalog.ts";

/** Keystone writes microseconds. */
export const keystoneTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");

function scopeView({ scope, trust }: TokenContents): object {
  switch (scope.kind) {
    case "project":
      return trust === undefined
        ? { project: scope.project, is_domain: false }
        : { project: scope.project, "OS-TRUST:trust": trustView(trust) };
    case "domain":
      return { domain: scope.domain };
    case "system":
      return { system: { all: true } };
    case "unscoped":
      return {};
  }
}

/** Keystone's form, without the Z that its other times have. */
export const passwordTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000");

const passwordEnd = ({ passwordExpiresAtMs }: TokenContents): string | null =>
  passwordExpiresAtMs === undefined ? null : passwordTime(passwordExpiresAtMs);

const trustView = (trust: TokenTrust) => ({
  id: trust.id,
  trustor_user: { id: trust.trustorId },
  trustee_user: { id: trust.trusteeId },
  impersonation: trust.impersonation,
});

function credentialView({ applicationCredential: credential }: TokenContents): object {
  if (credential === undefined) return {};
  const { accessRules, ...rest } = credential;
  return {
    application_credential: { ...rest, ...(accessRules === undefined ? {} : { access_rules: accessRules }) },
  };
}

/** The same body at issue and at every validation. */
export const toTokenView = (contents: TokenContents, catalog: CatalogEntry[] | null): object => ({
  token: {
    methods: contents.methods,
    user: { ...contents.user, password_expires_at: passwordEnd(contents) },
    audit_ids: contents.auditIds,
    expires_at: keystoneTime(contents.expiresAtMs),
    issued_at: keystoneTime(contents.issuedAtMs),
    ...scopeView(contents),
    ...(contents.scope.kind === "unscoped" ? {} : { roles: contents.roles, ...(catalog === null ? {} : { catalog }) }),
    ...credentialView(contents),
  },
});
