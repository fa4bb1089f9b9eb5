import { invalid } from "@andromede/base/errors";
import type { JsonObject } from "@andromede/base/json";

/** A secret that a user keeps here: an EC2 key pair, the seed of one-time passwords, a certificate ... */
export type Credential = {
  id: string;
  userId: string;
  projectId: string | null;
  type: string;
  wrappedBlob: Buffer;
  /** Made with a token that was had from this trust ... */
  trustId: string | null;
  /** ... or with this application credential: what is had with the key pair carries no more. */
  applicationCredentialId: string | null;
  extra: JsonObject;
};

export const EC2 = "ec2";

export type Ec2Blob = { access: string; secret: string; [member: string]: unknown };

/** What an EC2 credential's blob must be. */
export function readEc2Blob(blob: string): Ec2Blob {
  let value: unknown;
  try {
    value = JSON.parse(blob);
  } catch (cause) {
    throw invalid("Invalid blob in credential", { field: "credential.blob", cause });
  }
  const { access, secret } = (typeof value === "object" && value !== null ? value : {}) as {
    access?: unknown;
    secret?: unknown;
  };
  if (typeof access !== "string" || access === "") throw missing("access");
  if (typeof secret !== "string" || secret === "") throw missing("secret");
  return value as Ec2Blob;
}

const missing = (member: string) =>
  invalid(`Expecting to find ${member} in credential. The client is assumed to be in error.`, {
    field: "credential.blob",
  });
