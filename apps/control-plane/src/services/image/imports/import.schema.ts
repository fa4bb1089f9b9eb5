/** `POST /v2/images/{id}/import` (Image API v2, "Import an image"). What a method needs is checked where it is known. */
export const importSchema = {
  type: "object",
  required: ["method"],
  properties: {
    method: {
      type: "object",
      required: ["name"],
      properties: {
        name: { type: "string", maxLength: 64 },
        uri: { type: "string", maxLength: 2048 },
      },
    },
    stores: { type: "array", maxItems: 16, items: { type: "string", maxLength: 255 } },
    all_stores: { type: "boolean" },
    all_stores_must_succeed: { type: "boolean" },
  },
} as const;
