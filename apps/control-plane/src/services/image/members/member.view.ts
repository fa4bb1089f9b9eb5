import { toTime } from "../images/image.view.ts";
import type { ImageMember } from "./member.model.ts";

export const toMemberView = (member: ImageMember) => ({
  member_id: member.memberId,
  image_id: member.imageId,
  status: member.status,
  created_at: toTime(member.createdAt),
  updated_at: toTime(member.updatedAt),
  schema: "/v2/schemas/member",
});

export const toMembersView = (members: ImageMember[]) => ({
  members: members.map(toMemberView),
  schema: "/v2/schemas/members",
});
