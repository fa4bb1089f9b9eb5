/** What may be sent about quotas. Pure. */
import { integerSchema } from "../common/wire.ts";

const limit = integerSchema(-1);

const body = (member: string) =>
  ({
    type: "object",
    required: [member],
    additionalProperties: false,
    properties: {
      [member]: {
        type: "object",
        maxProperties: 1000,
        // names of types, which are anybody's: unknown ones are refused by name
        properties: { tenant_id: {}, skip_validation: {}, class_name: {} },
        patternProperties: { "^(?!tenant_id$|skip_validation$|class_name$)": limit },
      },
    },
  }) as const;

export const quotaSchema = body("quota_set");
export const quotaClassSchema = body("quota_class_set");
export type QuotaBody = { quota_set: { [name: string]: number | string } };
export type QuotaClassBody = { quota_class_set: { [name: string]: number | string } };
