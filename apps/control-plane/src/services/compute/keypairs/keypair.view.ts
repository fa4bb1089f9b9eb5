/** Key pairs on the wire, by microversion. Pure. */
import { isoMicroseconds } from "../common/wire.ts";
import type { Keypair } from "./keypair.model.ts";

const typed = (keypair: Keypair, version: number): object => (version >= 2 ? { type: keypair.type } : {});

export const toCreatedKeypair = (keypair: Keypair, privateKey: string | null, version: number): object => ({
  name: keypair.name,
  public_key: keypair.publicKey,
  fingerprint: keypair.fingerprint,
  user_id: keypair.userId,
  ...(privateKey === null ? {} : { private_key: privateKey }),
  ...typed(keypair, version),
});

export const toKeypairView = (keypair: Keypair, version: number): object => ({
  name: keypair.name,
  public_key: keypair.publicKey,
  fingerprint: keypair.fingerprint,
  user_id: keypair.userId,
  id: keypair.number,
  created_at: isoMicroseconds(keypair.createdAt),
  updated_at: null,
  deleted_at: null,
  deleted: false,
  ...typed(keypair, version),
});

export const toKeypairEntry = (keypair: Keypair, version: number): object => ({
  keypair: {
    name: keypair.name,
    public_key: keypair.publicKey,
    fingerprint: keypair.fingerprint,
    ...typed(keypair, version),
  },
});
