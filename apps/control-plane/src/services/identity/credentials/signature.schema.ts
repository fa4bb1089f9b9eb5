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

/** `POST /v3/object-store/access-keys`: an access key, and what its signing key is to be good for. */
export const accessKeySchema = {
  type: "object",
  required: ["access", "date", "region", "service"],
  additionalProperties: false,
  properties: {
    access: { type: "string", minLength: 1, maxLength: 1024 },
    date: { type: "string", pattern: "^[0-9]{8}$" },
    region: { type: "string", minLength: 1, maxLength: 255 },
    service: { type: "string", minLength: 1, maxLength: 64 },
  },
} as const;

export const signatureSchema = {
  type: "object",
  anyOf: [{ required: ["credentials"] }, { required: ["credential"] }, { required: ["ec2Credentials"] }],
  properties: { credentials: signed, credential: signed, ec2Credentials: signed },
} as const;
