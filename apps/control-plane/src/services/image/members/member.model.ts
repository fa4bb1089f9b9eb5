/** A project that an image is shared with. Pure. */
export const MEMBER_STATUSES = ["pending", "accepted", "rejected"] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

export type ImageMember = { imageId: string; memberId: string; status: MemberStatus; createdAt: Date; updatedAt: Date };
