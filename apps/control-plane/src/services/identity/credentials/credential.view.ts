import { identityUrl, selfLink } from "../shared/identity-links.ts";
import type { Credential } from "./credential.model.ts";
import { readEc2Blob } from "./credential.model.ts";

export const toCredentialView = (credential: Credential, blob: string, baseUrl: string) => ({
  ...credential.extra,
  id: credential.id,
  user_id: credential.userId,
  project_id: credential.projectId,
  type: credential.type,
  blob,
  ...selfLink(baseUrl, `credentials/${credential.id}`),
});

/** The same as the older API shows it. */
export function toEc2View(credential: Credential, blob: string, baseUrl: string) {
  const { access, secret } = readEc2Blob(blob);
  return {
    user_id: credential.userId,
    tenant_id: credential.projectId,
    access,
    secret,
    trust_id: credential.trustId,
    links: { self: identityUrl(baseUrl, `users/${credential.userId}/credentials/OS-EC2/${access}`) },
  };
}
