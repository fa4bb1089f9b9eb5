import { MEMBER_STATUSES } from "./member.model.ts";

export const createMemberSchema = {
  type: "object",
  required: ["member"],
  properties: { member: { type: "string", minLength: 1, maxLength: 255 } },
} as const;

export const updateMemberSchema = {
  type: "object",
  required: ["status"],
  properties: { status: { type: "string", enum: MEMBER_STATUSES } },
} as const;
