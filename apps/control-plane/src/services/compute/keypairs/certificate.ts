/** A self-signed X.509 certificate for Windows guests' key pairs (RFC 5280), written in DER by hand: Node reads certificates but makes none. */
import { type KeyObject, createHash, randomBytes, sign } from "node:crypto";

const der = (tag: number, ...content: Uint8Array[]): Buffer => {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
};

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

const sequence = (...content: Uint8Array[]): Buffer => der(0x30, ...content);
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
const bitString = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes);

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const digits = [part & 0x7f];
    for (let high = Math.floor(part / 128); high > 0; high = Math.floor(high / 128))
      digits.unshift((high & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** GeneralizedTime, which never runs out; before 2050 RFC 5280 wants UTCTime. */
function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
  return at.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : der(0x18, Buffer.from(`${digits}Z`));
}

const SHA256_WITH_RSA = sequence(oid("1.2.840.113549.1.1.11"), Buffer.from([0x05, 0x00]));
const TEN_YEARS_MS = 3650 * 86_400_000;

/** For client authentication, with the user's name as Windows looks for it (UPN). Returns PEM, and SHA-1 over the DER as fingerprint. */
export function makeCertificate(
  userId: string,
  publicKey: KeyObject,
  privateKey: KeyObject,
  at: Date,
): { pem: string; fingerprint: string } {
  const name = sequence(der(0x31, sequence(oid("2.5.4.3"), utf8(userId.slice(0, 64)))));
  const upn = der(0xa0, oid("1.3.6.1.4.1.311.20.2.3"), der(0xa0, utf8(`${userId}@localhost`)));
  const extensions = sequence(
    sequence(oid("2.5.29.17"), der(0x04, sequence(upn))),
    sequence(oid("2.5.29.37"), der(0x04, sequence(oid("1.3.6.1.5.5.7.3.2")))),
  );
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    SHA256_WITH_RSA,
    name,
    sequence(time(at), time(new Date(at.getTime() + TEN_YEARS_MS))),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, extensions),
  );
  const certificate = sequence(body, SHA256_WITH_RSA, bitString(sign("sha256", body, privateKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    fingerprint: colons(createHash("sha1").update(certificate).digest("hex")),
  };
}

export const colons = (hex: string): string => (hex.match(/../g) ?? []).join(":");
