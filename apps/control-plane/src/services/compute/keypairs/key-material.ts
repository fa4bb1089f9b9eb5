/** Keys themselves: made, or taken from a customer's text. */
import { type KeyObject, X509Certificate, createHash, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";

import { invalid } from "@andromede/base/errors";

import { colons, makeCertificate } from "./certificate.ts";
import type { KeypairType } from "./keypair.model.ts";

export type KeyMaterial = { publicKey: string; fingerprint: string; privateKey: string | null };

const generate = promisify(generateKeyPair);
const BITS = 3072;

/** RSA, which every client and every guest can read; off the event loop. */
export async function generateKey(type: KeypairType, userId: string, at: Date): Promise<KeyMaterial> {
  const pair = await generate("rsa", { modulusLength: BITS });
  if (type === "x509") {
    const { pem, fingerprint } = makeCertificate(userId, pair.publicKey, pair.privateKey, at);
    return {
      publicKey: pem,
      fingerprint,
      privateKey: pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    };
  }
  const blob = toSshBlob(pair.publicKey);
  return {
    publicKey: `ssh-rsa ${blob.toString("base64")} Generated-by-Andromede`,
    fingerprint: md5(blob),
    privateKey: pair.privateKey.export({ format: "pem", type: "pkcs1" }) as string,
  };
}

/** What a customer brings. Nothing but its fingerprint is ours. */
export const importKey = (type: KeypairType, text: string): KeyMaterial =>
  type === "ssh" ? importSsh(text) : importCertificate(text);

const SSH_TYPES = [
  "ssh-rsa",
  "ssh-ed25519",
  "ssh-dss",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

function importSsh(text: string): KeyMaterial {
  const publicKey = text.trim();
  const [type = "", encoded = ""] = publicKey.split(/[ \t]+/);
  const blob = Buffer.from(encoded, "base64");
  // RFC 4253, section 6.6: the blob begins with the type's name again
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const inner = blob.subarray(4, 4 + length).toString("latin1");
  const wellFormed =
    /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) && SSH_TYPES.includes(type) && inner === type && blob.length > 4 + length;
  if (!wellFormed || /[\r\n]/.test(publicKey)) throw invalid("Keypair data is invalid: failed to generate fingerprint");
  return { publicKey: text, fingerprint: md5(blob), privateKey: null };
}

function importCertificate(text: string): KeyMaterial {
  try {
    const { raw } = new X509Certificate(text);
    return { publicKey: text, fingerprint: colons(createHash("sha1").update(raw).digest("hex")), privateKey: null };
  } catch (cause) {
    throw invalid(
      "Keypair data is invalid: failed to generate X509 fingerprint. Error message: not a certificate in PEM",
      { cause },
    );
  }
}

const md5 = (blob: Uint8Array): string => colons(createHash("md5").update(blob).digest("hex"));

/** RFC 4253: "ssh-rsa", e, n, each with its length before it. */
function toSshBlob(key: KeyObject): Buffer {
  const { e = "", n = "" } = key.export({ format: "jwk" });
  return Buffer.concat([Buffer.from("ssh-rsa"), mpint(e), mpint(n)].map(withLength));
}

function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, "base64url");
  // the number is positive: its first bit must not look like a sign
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}

function withLength(part: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(part.length);
  return Buffer.concat([length, part]);
}
