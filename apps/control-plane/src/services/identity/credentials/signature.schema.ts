/** `POST /v3/ec2tokens`, `POST /v3/s3tokens`: what was signed, and the signature. Three names of old for one member. */
const text = { type: "string", maxLength: 16_384 } as const;
const texts = { type: "object", maxProperties: 256, additionalProperties: text } as const;

const signed = {
  type: "object",
  properties: {
    access: { type: "string", maxLength: 1024 },
    signature: { type: "string", maxLength: 1024 },
    token: text,
    host: { type: "string", maxLength: 1024 },
    verb: { type: "string", maxLength: 32 },
    path: text,
    params: texts,
    headers: texts,
    body_hash: { type: "string", maxLength: 128 },
  },
} as const;

export const signatureSchema = {
  type: "object",
  anyOf: [{ required: ["credentials"] }, { required: ["credential"] }, { required: ["ec2Credentials"] }],
  properties: { credentials: signed, credential: signed, ec2Credentials: signed },
} as const;
