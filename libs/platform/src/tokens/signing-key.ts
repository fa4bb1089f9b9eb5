import { createHmac } from "node:crypto";

/** What a signing key is good for: AWS Signature Version 4's credential scope. `date` is `YYYYMMDD`. */
export type SigningScope = { date: string; region: string; service: string };

const hmac = (key: string | Uint8Array, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** The key of a scope, 32 bytes, from which nobody gets at the secret (AWS Signature Version 4, "Derive a signing key"). `parts`: as the scope was written, in order. */
export const deriveSigningKey = (secret: string, parts: readonly string[]): Buffer =>
  parts.reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));

/** The same of a day, a region and a service. */
export const signingKeyOf = (secret: string, { date, region, service }: SigningScope): Buffer =>
  deriveSigningKey(secret, [date, region, service, "aws4_request"]);
