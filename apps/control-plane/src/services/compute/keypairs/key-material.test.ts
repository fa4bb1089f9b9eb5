import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate, createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { generateKey, importKey } from "./key-material.ts";

const at = new Date("2026-11-21T10:00:00Z");

test("a generated SSH key is one pair, and its fingerprint is MD5 over the blob", async () => {
  const made = await generateKey("ssh", "user", at);
  const [type, encoded = ""] = made.publicKey.split(" ");
  assert.equal(type, "ssh-rsa");
  const blob = Buffer.from(encoded, "base64");
  assert.equal(made.fingerprint.replaceAll(":", ""), createHash("md5").update(blob).digest("hex"));
  assert.match(made.privateKey ?? "", /^-----BEGIN RSA PRIVATE KEY-----/);
  const { n = "" } = createPublicKey(createPrivateKey(made.privateKey ?? "")).export({ format: "jwk" });
  assert.ok(blob.includes(Buffer.from(n, "base64url")));
  assert.deepEqual(importKey("ssh", made.publicKey), { ...made, privateKey: null });
});

test("ssh-keygen derives the same public key from the private one", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "keypair-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const made = await generateKey("ssh", "user", at);
  writeFileSync(join(directory, "key"), made.privateKey ?? "", { mode: 0o600 });
  let derived: string;
  try {
    derived = execFileSync("ssh-keygen", ["-y", "-f", join(directory, "key")], { encoding: "utf8" });
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return; // no OpenSSH here: the test above covers the rest
    throw error;
  }
  assert.equal(derived.split(" ")[1]?.trim(), made.publicKey.split(" ")[1]);
});

test("a generated certificate is one that Node reads, signed by its own key, for the user", async () => {
  const made = await generateKey("x509", "3f2a", at);
  const certificate = new X509Certificate(made.publicKey);
  assert.equal(certificate.subject, "CN=3f2a");
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(made.privateKey ?? "")));
  assert.equal(certificate.fingerprint.toLowerCase(), made.fingerprint);
  assert.equal(certificate.validFromDate.toISOString(), at.toISOString());
  assert.deepEqual(importKey("x509", made.publicKey), { ...made, privateKey: null });
});

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl2ahBqXvzLWyNbn0xeHfCeWlmbPTEqdLMGxOkcMbh5 me@here";

test("an Ed25519 key is imported as it is", () => {
  assert.equal(importKey("ssh", ED25519).publicKey, ED25519);
});

for (const [what, text] of [
  ["empty", " "],
  ["no blob", "ssh-rsa"],
  ["not base64", "ssh-rsa ***"],
  ["type and blob differ", ED25519.replace("ssh-ed25519", "ssh-rsa")],
  ["unknown type", "ssh-foo AAAAB3NzaC1yc2EAAAADAQABAAAA"],
  ["two lines", `${ED25519}\n${ED25519}`],
  ["only a name in the blob", `ssh-rsa ${Buffer.from("\0\0\0\x07ssh-rsa").toString("base64")}`],
]) {
  test(`not an SSH key: ${what}`, () => {
    assert.throws(() => importKey("ssh", text ?? ""), { kind: "invalid" });
  });
}

test("not a certificate", () => {
  assert.throws(() => importKey("x509", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), {
    kind: "invalid",
  });
});
