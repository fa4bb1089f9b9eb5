export type KeypairType = "ssh" | "x509";

/** A public key of a user's; the private half is shown once, if we made it, and never kept. */
export type Keypair = {
  userId: string;
  name: string;
  number: number;
  type: KeypairType;
  publicKey: string;
  fingerprint: string;
  createdAt: Date;
};
