/** What may be sent about key pairs (Compute API, "Keypairs"). */
const name = { type: "string", minLength: 1, maxLength: 255, pattern: "^(?! )[A-Za-z0-9_ -]+(?<! )$" } as const;
const nameWithMore = { ...name, pattern: "^(?! )[A-Za-z0-9_@. -]+(?<! )$" } as const;
const publicKey = { type: "string", maxLength: 65_535 } as const;
const type = { enum: ["ssh", "x509"] } as const;
const userId = { type: "string", minLength: 1, maxLength: 255 } as const;

const body = (properties: object, required: string[] = ["name"]) => ({
  type: "object",
  required: ["keypair"],
  additionalProperties: false,
  properties: { keypair: { type: "object", required, additionalProperties: false, properties } },
});

export const createKeypairSchema = [
  { since: 0, schema: body({ name, public_key: publicKey }) },
  { since: 2, schema: body({ name, public_key: publicKey, type }) },
  { since: 10, schema: body({ name, public_key: publicKey, type, user_id: userId }) },
  {
    since: 92,
    schema: body({ name: nameWithMore, public_key: publicKey, type, user_id: userId }, ["name", "public_key"]),
  },
];

export type CreateKeypairBody = {
  keypair: { name: string; public_key?: string; type?: "ssh" | "x509"; user_id?: string };
};
