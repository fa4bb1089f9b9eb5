/** `POST /v3/auth/tokens` (keystone/auth/schema.py, with lengths bounded). What must go together is said in auth-request.ts. */
const text = { type: "string", maxLength: 255 } as const;
const domain = { type: "object", properties: { id: text, name: text } } as const;
const user = { type: "object", properties: { id: text, name: text, domain } } as const;

export const authSchema = {
  type: "object",
  required: ["auth"],
  properties: {
    auth: {
      type: "object",
      required: ["identity"],
      properties: {
        identity: {
          type: "object",
          required: ["methods"],
          properties: {
            methods: { type: "array", items: text, maxItems: 8 },
            password: {
              type: "object",
              properties: {
                user: {
                  type: "object",
                  properties: { ...user.properties, password: { type: "string", maxLength: 4096 } },
                },
              },
            },
            totp: {
              type: "object",
              properties: {
                user: {
                  type: "object",
                  properties: { ...user.properties, passcode: { type: "string", maxLength: 64 } },
                },
              },
            },
            token: { type: "object", required: ["id"], properties: { id: { type: "string", maxLength: 16_384 } } },
            application_credential: {
              type: "object",
              required: ["secret"],
              properties: { id: text, name: text, secret: { type: "string", maxLength: 4096 }, user },
            },
          },
        },
        scope: {
          type: ["object", "string"],
          properties: {
            project: { type: "object", properties: { id: text, name: text, domain } },
            domain,
            system: { type: "object", properties: { all: { type: "boolean" } } },
            unscoped: { type: "object" },
            "OS-TRUST:trust": { type: "object", required: ["id"], properties: { id: text } },
          },
        },
      },
    },
  },
} as const;
