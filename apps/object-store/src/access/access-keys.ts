/** S3's access keys are Identity's EC2 credentials. The store never has a secret: only the signing key of a day. */
import type { Actor } from "@andromede/platform/tokens/actor";

/** What AWS's signature version 4 calls the credential scope. */
export type SigningScope = { date: string; region: string; service: string };

export type KnownAccessKey = {
  actor: Actor;
  /** 32 bytes: HMAC key of that scope (AWS Signature Version 4, "Calculate the signature", signing key). */
  signingKey: Buffer;
};

export type AccessKeys = {
  /** null: there is no such key, or whom it was of may not sign in. Asks Identity once a key and day, until something about it is revoked. */
  find(accessKey: string, scope: SigningScope): Promise<KnownAccessKey | null>;
};
