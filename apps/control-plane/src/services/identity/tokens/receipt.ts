/**
 * What somebody has proven so far, when their account asks for more than one factor (Identity API, "Multi-Step
 * Authentication"). Signed as a token is, under a prefix of its own, so that neither passes for the other.
 */
import { type KeyTree, verifySignature } from "@andromede/platform/keys/key-tree";
import { AUTH_METHODS, type AuthMethod, type NamedRef } from "@andromede/platform/tokens/token.model";

import { keystoneTime } from "./token.view.ts";

const PREFIX = "r1";
const MAX_CHARS = 4_096;
/** Keystone's `[receipt] expiration`. */
export const RECEIPT_MS = 300_000;

export type Receipt = {
  methods: AuthMethod[];
  user: NamedRef & { domain: NamedRef };
  issuedAtMs: number;
  expiresAtMs: number;
  /** The revocation clock's value of the snapshot it was made from. */
  asOf: number;
};

type Wire = [string[], string, string, string, string, number, number, number];

export function writeReceipt(keys: Pick<KeyTree, "signer">, receipt: Receipt): string {
  const { user } = receipt;
  const wire: Wire = [
    receipt.methods,
    user.id,
    user.name,
    user.domain.id,
    user.domain.name,
    receipt.issuedAtMs,
    receipt.expiresAtMs,
    receipt.asOf,
  ];
  const signer = keys.signer("token");
  const signed = `${PREFIX}.${signer.keyId}.${Buffer.from(JSON.stringify(wire)).toString("base64url")}`;
  return `${signed}.${signer.sign(Buffer.from(signed)).toString("base64url")}`;
}

/** null: not one of ours, or too old. Says nothing of revocation. */
export function readReceipt(keys: Pick<KeyTree, "verificationKey">, text: string, nowMs: number): Receipt | null {
  const [prefix, keyId, body, signature, ...rest] = text.length > MAX_CHARS ? [] : text.split(".");
  if (prefix !== PREFIX || keyId === undefined || body === undefined || signature === undefined || rest.length > 0)
    return null;
  const key = keys.verificationKey("token", keyId);
  if (
    key === null ||
    !verifySignature(key, Buffer.from(`${prefix}.${keyId}.${body}`), Buffer.from(signature, "base64url"))
  )
    return null;
  const [methods, id, name, domainId, domainName, issuedAtMs, expiresAtMs, asOf] = JSON.parse(
    Buffer.from(body, "base64url").toString("utf8"),
  ) as Wire;
  if (expiresAtMs <= nowMs) return null;
  return {
    methods: AUTH_METHODS.filter((method) => methods.includes(method)),
    user: { id, name, domain: { id: domainId, name: domainName } },
    issuedAtMs,
    expiresAtMs,
    asOf,
  };
}

/** The body of the 401 that goes with it. */
export const toReceiptView = (receipt: Receipt, requiredMethods: string[][]) => ({
  receipt: {
    methods: receipt.methods,
    user: receipt.user,
    expires_at: keystoneTime(receipt.expiresAtMs),
    issued_at: keystoneTime(receipt.issuedAtMs),
  },
  required_auth_methods: requiredMethods,
});
