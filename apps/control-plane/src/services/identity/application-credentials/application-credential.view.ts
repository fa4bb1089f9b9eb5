import { identityUrl } from "../shared/identity-links.ts";
import type { ApplicationCredential } from "./application-credential.model.ts";

export const toApplicationCredentialView = (credential: ApplicationCredential, baseUrl: string) => ({
  id: credential.id,
  name: credential.name,
  description: credential.description,
  user_id: credential.userId,
  project_id: credential.projectId,
  system: null,
  expires_at: credential.expiresAt,
  unrestricted: credential.unrestricted,
  ...(credential.accessRules.length === 0 ? {} : { access_rules: credential.accessRules }),
  roles: credential.roles.map((role) => ({
    id: role.id,
    name: role.name,
    domain_id: role.domainId,
    description: role.description,
    options: {},
  })),
  links: { self: identityUrl(baseUrl, `users/${credential.userId}/application_credentials/${credential.id}`) },
});
