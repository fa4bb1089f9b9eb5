/** Every SQL statement on image members. */
import type { Queryable } from "@andromede/platform/db/database";

import type { ImageMember, MemberStatus } from "./member.model.ts";

/** null: that project is a member already. */
export async function insertMember(sql: Queryable, imageId: string, memberId: string): Promise<ImageMember | null> {
  const [row] = await sql<ImageMember[]>`
    insert into image_member (image_id, member_id) values (${imageId}, ${memberId}) on conflict do nothing returning *`;
  return row ?? null;
}

export async function countMembers(sql: Queryable, imageId: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from image_member where image_id = ${imageId}`;
  return row?.n ?? 0;
}

export async function findMember(sql: Queryable, imageId: string, memberId: string): Promise<ImageMember | null> {
  const [row] = await sql<
    ImageMember[]
  >`select * from image_member where image_id = ${imageId} and member_id = ${memberId}`;
  return row ?? null;
}

/** `only`: just that one, who is not to learn of the others. */
export async function listMembers(sql: Queryable, imageId: string, only: string | null): Promise<ImageMember[]> {
  return sql<ImageMember[]>`
    select * from image_member where image_id = ${imageId} and (${only}::text is null or member_id = ${only}) order by created_at, member_id`;
}

export async function setMemberStatus(
  sql: Queryable,
  imageId: string,
  memberId: string,
  status: MemberStatus,
): Promise<ImageMember | null> {
  const [row] = await sql<ImageMember[]>`
    update image_member set status = ${status}, updated_at = now() where image_id = ${imageId} and member_id = ${memberId} returning *`;
  return row ?? null;
}

export async function deleteMember(sql: Queryable, imageId: string, memberId: string): Promise<boolean> {
  const rows = await sql`delete from image_member where image_id = ${imageId} and member_id = ${memberId} returning 1`;
  return rows.length > 0;
}

/** Everything that is shared with a project. */
export async function listMemberships(sql: Queryable, memberId: string): Promise<ImageMember[]> {
  return sql<ImageMember[]>`select * from image_member where member_id = ${memberId} order by image_id`;
}
