/** Who makes a request, and how its body is vouched for. */
import type { Actor } from "@andromede/platform/tokens/actor";

/** What x-amz-content-sha256 says of the body. */
export type Payload =
  /** Lower-case hex: the body's own hash. */
  | { kind: "hash"; sha256: string }
  | { kind: "unsigned" }
  /** `aws-chunked`: chunks with sizes, perhaps signatures, perhaps a trailer. */
  | { kind: "chunked"; trailer: boolean; chain: SignatureChain | null };

/** Each chunk's signature is over the one before: this is the first. */
export type SignatureChain = { signingKey: Uint8Array; timestamp: string; scope: string; seed: string };

export type Caller = {
  /** null: anonymous. */
  actor: Actor | null;
  accessKey: string | null;
  authType: "REST-HEADER" | "REST-QUERY-STRING" | "POST" | null;
  /** When it was signed; null: anonymous. */
  signedAtMs: number | null;
  payload: Payload;
};

export const anonymousCaller = (payload: Payload): Caller => ({
  actor: null,
  accessKey: null,
  authType: null,
  signedAtMs: null,
  payload,
});
