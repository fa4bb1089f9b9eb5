import { notFound, unauthenticated } from "@andromede/base/errors";
import { type SigningScope, signingKeyOf } from "@andromede/platform/tokens/signing-key";
import type { TokenContents } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import type { Context } from "../tokens/prove.ts";
import { signIn } from "../tokens/sign-in.ts";
import { findTrust } from "../trusts/trust.queries.ts";
import { openBlob } from "./credential-blob.ts";
import { type Credential, EC2, readEc2Blob } from "./credential.model.ts";
import { ec2Id } from "./ec2-id.ts";
import { findCredentialById } from "./credential.queries.ts";
import { type Signed, isStale } from "./signature.ts";

/** A token for whoever signed with a key pair; it carries what the key pair was made with, and no more. */
export async function signInWithKey(
  context: Context,
  signed: Signed,
  isRight: (secret: string, signed: Signed) => boolean,
): Promise<{ token: string; contents: TokenContents }> {
  const { app } = context;
  if (signed.access === undefined) throw unauthenticated("EC2 Signature not supplied");
  const { credential, secret } = await findKeyPair(app, signed.access);
  if (signed.signature === undefined || signed.signature === "") throw unauthenticated("EC2 signature not supplied.");
  if (!isRight(secret, signed)) throw unauthenticated("Invalid EC2 signature.");
  if (isStale(signed, app.clock.now())) throw unauthenticated("Credential is expired");
  return signInAs(context, credential);
}

/**
 * The same for whoever may check signatures themselves: Identity's own object store. It learns the key of a day, a region and
 * a service (AWS Signature Version 4, "signing key"), from which nobody gets at the secret.
 */
export async function openSigningKey(
  context: Context,
  access: string,
  scope: SigningScope,
): Promise<{ token: string; signingKey: Buffer }> {
  const { credential, secret } = await findKeyPair(context.app, access);
  const { token } = await signInAs(context, credential);
  return { token, signingKey: signingKeyOf(secret, scope) };
}

type KeyPair = Credential & { projectId: string };

async function findKeyPair(app: App, access: string): Promise<{ credential: KeyPair; secret: string }> {
  const credential = await findCredentialById(app.db, ec2Id(access));
  if (credential === null || credential.type !== EC2 || credential.projectId === null)
    throw notFound("EC2 access key not found.");
  const { secret } = readEc2Blob(openBlob(app, credential));
  return { credential: { ...credential, projectId: credential.projectId }, secret };
}

async function signInAs(context: Context, credential: KeyPair): Promise<{ token: string; contents: TokenContents }> {
  const { app } = context;
  const trust = credential.trustId === null ? null : await findTrust(app.db, credential.trustId);
  const answer = await signIn(context, {
    proofs: [
      {
        method: "ec2credential",
        credential: {
          id: credential.id,
          // with impersonation the pair is the trustor's, but it is the trustee who holds it
          userId: trust?.trusteeUserId ?? credential.userId,
          applicationCredential:
            credential.applicationCredentialId === null ? null : { id: credential.applicationCredentialId },
        },
      },
    ],
    ...(trust === null
      ? { scope: { kind: "project" as const, project: { id: credential.projectId } } }
      : { scope: "none" as const, trustId: trust.id }),
  });
  if ("receipt" in answer) throw unauthenticated("User not valid for project.");
  // from the token's own snapshot on a deletion revokes it; one from before that is seen here
  if ((await findCredentialById(app.db, credential.id)) === null) throw notFound("EC2 access key not found.");
  return answer;
}
