/**
 * The local certificate authority of an instance and the certificate both planes show. Made with the engine root's
 * openssl; renewed when less than a month is left. Clients are given `ca.crt`.
 */
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { runInJail } from "@andromede/engines/engine-root";

import type { InstanceUser } from "../instance/instance-config.ts";

export type TlsFiles = { caFile: string; caKeyFile: string; certFile: string; keyFile: string };

const CA_DAYS = 3_650;
const CERTIFICATE_DAYS = 397;
const RENEW_BEFORE_MS = 30 * 24 * 3_600_000;

export const tlsFiles = (directory: string): TlsFiles => ({
  caFile: join(directory, "ca.crt"),
  caKeyFile: join(directory, "ca.key"),
  certFile: join(directory, "server.crt"),
  keyFile: join(directory, "server.key"),
});

/** Whether a certificate is good for these names for another month. Pure but for the parsing. */
export function isGoodFor(pem: string, names: string[], now: number): boolean {
  const certificate = new X509Certificate(pem);
  if (Date.parse(certificate.validTo) - now < RENEW_BEFORE_MS || Date.parse(certificate.validFrom) > now) return false;
  return names.every(
    (name) => (/^[\d.]+$|:/.test(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined,
  );
}

/** What openssl reads to make the server's certificate. Pure. */
export function serverExtensions(names: string[]): string {
  const alternatives = names.map((name) => `${/^[\d.]+$|:/.test(name) ? "IP" : "DNS"}:${name}`);
  return [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=serverAuth",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
    `subjectAltName=${alternatives.join(",")}`,
    "",
  ].join("\n");
}

/** Makes or renews what is missing or near its end. Idempotent. Gives the files. */
export async function ensureCertificates(options: {
  engineRoot: string;
  directory: string;
  instance: string;
  names: string[];
  owner: InstanceUser;
}): Promise<TlsFiles> {
  const files = tlsFiles(options.directory);
  await mkdir(options.directory, { recursive: true, mode: 0o755 });
  const now = Date.now();
  if (
    !existsSync(files.caFile) ||
    !existsSync(files.caKeyFile) ||
    !isGoodFor(await readFile(files.caFile, "utf8"), [], now)
  ) {
    await makeAuthority(options.engineRoot, options.directory, options.instance);
    await rm(files.certFile, { force: true });
  }
  if (
    !existsSync(files.certFile) ||
    !existsSync(files.keyFile) ||
    !isGoodFor(await readFile(files.certFile, "utf8"), options.names, now)
  ) {
    await makeServerCertificate(options);
  }
  return files;
}

/** Runs `work` with a directory whose files are then moved into place, the key first and the certificate last. */
async function inWorkDirectory(
  directory: string,
  names: [key: string, certificate: string],
  work: (scratch: string) => Promise<void>,
): Promise<void> {
  const scratch = await mkdtemp(join(directory, ".new-"));
  try {
    await work(scratch);
    for (const name of names) {
      // One after the other: a certificate must never be seen without its key.
      // eslint-disable-next-line no-await-in-loop
      await rename(join(scratch, name), join(directory, name));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];

async function makeAuthority(engineRoot: string, directory: string, instance: string): Promise<void> {
  await inWorkDirectory(directory, ["ca.key", "ca.crt"], async (scratch) => {
    await openssl(engineRoot, scratch, [
      "req",
      "-x509",
      ...NEW_KEY,
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-days",
      String(CA_DAYS),
      "-subj",
      `/O=Andromede/CN=${instance} local authority`,
      "-addext",
      "basicConstraints=critical,CA:TRUE,pathlen:0",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ]);
    await chmod(join(scratch, "ca.key"), 0o400);
    await chmod(join(scratch, "ca.crt"), 0o644);
  });
}

async function makeServerCertificate({
  engineRoot,
  directory,
  instance,
  names,
  owner,
}: Parameters<typeof ensureCertificates>[0]): Promise<void> {
  await inWorkDirectory(directory, ["server.key", "server.crt"], async (scratch) => {
    await Promise.all(["ca.key", "ca.crt"].map((name) => copyFile(join(directory, name), join(scratch, name))));
    await writeFile(join(scratch, "extensions"), serverExtensions(names));
    await openssl(engineRoot, scratch, [
      "req",
      "-new",
      ...NEW_KEY,
      "-keyout",
      "server.key",
      "-out",
      "server.csr",
      "-subj",
      `/O=Andromede/CN=${instance}`,
    ]);
    await openssl(engineRoot, scratch, [
      "x509",
      "-req",
      "-in",
      "server.csr",
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-days",
      String(CERTIFICATE_DAYS),
      "-extfile",
      "extensions",
      "-out",
      "server.crt",
    ]);
    await chmod(join(scratch, "server.key"), 0o400);
    await chown(join(scratch, "server.key"), owner.uid, owner.gid);
    await chmod(join(scratch, "server.crt"), 0o644);
  });
}

async function openssl(engineRoot: string, scratch: string, args: string[]): Promise<void> {
  await runInJail(
    {
      root: engineRoot,
      binds: [{ from: scratch, mode: "write" }],
      unshare: ["pid", "ipc", "uts", "net"],
      workingDirectory: scratch,
      capabilities: ["dac_override"],
    },
    ["openssl", ...args],
  );
}
