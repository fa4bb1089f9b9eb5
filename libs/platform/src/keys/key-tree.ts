/**
 * The key tree (architecture.md, rule 8c): operator root -> project key -> the keys of volumes, buckets, backups.
 * It knows no service. A secret at rest is always wrapped by it; destroying a project's key erases all of that
 * project's secrets at once, in every copy and backup there is.
 *
 * Project keys are read for each use and never kept in memory: destroyed means destroyed, in every process, at once.
 */
import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from "node:crypto";

import { conflict, internal } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";

import type { Database, Queryable } from "../db/database.ts";
import {
  type SigningKeyRow,
  eraseProjectKey,
  findProjectKey,
  insertProjectKey,
  insertSigningKey,
  listSigningKeys,
} from "./keys.queries.ts";
import { type WrappingPurpose, deriveWrappingKey, readRootKey } from "./root-key.ts";
import { unwrapSecret, wrapSecret } from "./wrap.ts";

/** What is signed: a token's key never signs a checkpoint of the event log. */
export type SigningPurpose = "token" | "event-log";
const PURPOSES: SigningPurpose[] = ["token", "event-log"];

export type Signer = {
  /** 16 hex digits. */
  keyId: string;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Buffer;
  /** Ed25519 (RFC 8032): 64 bytes. */
  sign(bytes: Uint8Array): Buffer;
};

export type KeyTree = {
  /** Wraps a secret of the project's with the project's key, which is made on first use. `what` names the secret: `volume-key/<id>`. */
  wrapForProject(sql: Queryable, projectId: string, secret: Uint8Array, what: string): Promise<Buffer>;
  /** Throws `conflict` once the project's key was destroyed. */
  unwrapForProject(sql: Queryable, projectId: string, wrapped: Uint8Array, what: string): Promise<Buffer>;
  /** Irreversible: nothing that was wrapped for the project opens ever again. Idempotent. */
  destroyProjectKey(sql: Queryable, projectId: string): Promise<void>;
  /** For secrets that are the operator's own. */
  wrapForOperator(secret: Uint8Array, what: string): Buffer;
  unwrapForOperator(wrapped: Uint8Array, what: string): Buffer;
  /** The key in force for a purpose. */
  signer(purpose: SigningPurpose): Signer;
  /** The public half of any key the purpose has had; null: not one of ours. Synchronous. */
  verificationKey(purpose: SigningPurpose, keyId: string): KeyObject | null;
  /** All public halves the purpose has had, for those who check signatures elsewhere. */
  publicKeys(purpose: SigningPurpose): { keyId: string; publicKey: Buffer; retired: boolean }[];
};

/** Is it this key's Ed25519 signature? */
export const verifySignature = (key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean =>
  verify(null, bytes, key, signature);

/** Opens the tree; on an empty database makes the signing keys. Fails clearly when the root key is not the database's own. */
export async function openKeyTree(options: { rootKeyFile: string; db: Database }): Promise<KeyTree> {
  const { db } = options;
  const root = readRootKey(options.rootKeyFile);
  const wrapping = new Map<WrappingPurpose, Buffer>(
    (["project-key", "signing-key", "operator-secret"] as const).map((purpose) => [
      purpose,
      deriveWrappingKey(root, purpose),
    ]),
  );
  root.fill(0);
  const wrappingKey = (purpose: WrappingPurpose): Buffer => {
    const key = wrapping.get(purpose);
    if (key === undefined) throw internal(`no wrapping key for ${purpose}`);
    return key;
  };

  const signing = await loadSigningKeys(db, wrappingKey("signing-key"), options.rootKeyFile);
  const inForce = (purpose: SigningPurpose): SigningKey => {
    const found = signing.findLast((key) => key.purpose === purpose && !key.retired);
    if (found === undefined) throw internal(`no signing key in force for ${purpose}`);
    return found;
  };

  return {
    ...projectKeys(wrappingKey("project-key")),
    wrapForOperator: (secret, what) => wrapSecret(wrappingKey("operator-secret"), secret, what),
    unwrapForOperator: (wrapped, what) => unwrapSecret(wrappingKey("operator-secret"), wrapped, what),
    signer(purpose) {
      const key = inForce(purpose);
      return { keyId: key.id, publicKey: key.publicBytes, sign: (bytes) => sign(null, bytes, key.privateKey) };
    },
    verificationKey: (purpose, keyId) =>
      signing.find((key) => key.id === keyId && key.purpose === purpose)?.publicKey ?? null,
    publicKeys: (purpose) =>
      signing
        .filter((key) => key.purpose === purpose)
        .map((key) => ({ keyId: key.id, publicKey: key.publicBytes, retired: key.retired })),
  };
}

function projectKeys(wrappingKey: Buffer): Pick<KeyTree, "wrapForProject" | "unwrapForProject" | "destroyProjectKey"> {
  const nameOf = (projectId: string): string => `project-key/${projectId}`;
  const open = async (sql: Queryable, projectId: string): Promise<Buffer | undefined> => {
    const row = await findProjectKey(sql, projectId);
    if (row === undefined) return undefined;
    if (row.wrappedKey === null) throw conflict(`The key of project ${projectId} was destroyed`);
    return unwrapSecret(wrappingKey, row.wrappedKey, nameOf(projectId));
  };
  const openOrMake = async (sql: Queryable, projectId: string): Promise<Buffer> => {
    const found = await open(sql, projectId);
    if (found !== undefined) return found;
    await insertProjectKey(sql, projectId, {
      id: newHexId(),
      wrappedKey: wrapSecret(wrappingKey, randomBytes(32), nameOf(projectId)),
    });
    const made = await open(sql, projectId);
    if (made === undefined) throw internal(`the key of project ${projectId} vanished`);
    return made;
  };
  return {
    wrapForProject: async (sql, projectId, secret, what) => wrapSecret(await openOrMake(sql, projectId), secret, what),
    async unwrapForProject(sql, projectId, wrapped, what) {
      const key = await open(sql, projectId);
      if (key === undefined) throw internal(`${what}: project ${projectId} has no key`);
      return unwrapSecret(key, wrapped, what);
    },
    destroyProjectKey: (sql, projectId) => eraseProjectKey(sql, projectId, newHexId()),
  };
}

type SigningKey = {
  id: string;
  purpose: string;
  publicKey: KeyObject;
  publicBytes: Buffer;
  privateKey: KeyObject;
  retired: boolean;
};

function makeSigningKey(
  purpose: SigningPurpose,
  wrappingKey: Buffer,
): { id: string; purpose: string; publicKey: Buffer; wrappedPrivateKey: Buffer } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const id = randomBytes(8).toString("hex");
  const secret = privateKey.export({ format: "der", type: "pkcs8" });
  return {
    id,
    purpose,
    publicKey: publicKey.export({ format: "der", type: "spki" }),
    wrappedPrivateKey: wrapSecret(wrappingKey, secret, `signing-key/${purpose}/${id}`),
  };
}

async function loadSigningKeys(db: Database, wrappingKey: Buffer, rootKeyFile: string): Promise<SigningKey[]> {
  let rows = await listSigningKeys(db);
  const missing = PURPOSES.filter((purpose) => !rows.some((row) => row.purpose === purpose && row.retiredAt === null));
  if (missing.length > 0) {
    for (const purpose of missing) await insertSigningKey(db, makeSigningKey(purpose, wrappingKey));
    rows = await listSigningKeys(db);
  }
  return rows.map((row) => openSigningKey(row, wrappingKey, rootKeyFile));
}

function openSigningKey(row: SigningKeyRow, wrappingKey: Buffer, rootKeyFile: string): SigningKey {
  let secret: Buffer;
  try {
    secret = unwrapSecret(wrappingKey, row.wrappedPrivateKey, `signing-key/${row.purpose}/${row.id}`);
  } catch (cause) {
    throw conflict(`the root key in ${rootKeyFile} is not the one this database was made with`, { cause });
  }
  const privateKey = createPrivateKey({ key: secret, format: "der", type: "pkcs8" });
  // made from the private half, which only the root key opens: who can write rows cannot pass off a key of their own
  const publicKey = createPublicKey(privateKey);
  return {
    id: row.id,
    purpose: row.purpose,
    publicBytes: publicKey.export({ format: "der", type: "spki" }),
    publicKey,
    privateKey,
    retired: row.retiredAt !== null,
  };
}
