/** Sharing: the owner names projects, each of which says whether it wants the image among its own. */
import { conflict, forbidden, notFound, tooLarge } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { getVisibleImage, isOwner, lockOwnImage } from "../images/image-access.ts";
import type { Image } from "../images/image.model.ts";
import type { ImageMember, MemberStatus } from "./member.model.ts";
import {
  countMembers,
  deleteMember,
  findMember,
  insertMember,
  listMembers,
  setMemberStatus,
} from "./member.queries.ts";

type Request = Pick<ApiRequest, "app" | "actor" | "plane" | "origin">;

/** Glance's image_member_quota. */
const MAX_MEMBERS = 128;

const notMember = (imageId: string, memberId: string) =>
  notFound(`${memberId} not found in the member list of the image ${imageId}.`);

function checkShared(image: Image): void {
  if (image.visibility !== "shared") throw forbidden("Only shared images have members.");
}

export async function createMember(request: Request, imageId: string, memberId: string): Promise<ImageMember> {
  return transact(request.app, request.origin, async (tx) => {
    // the image's lock makes counting safe
    const image = await lockOwnImage(tx.sql, request, imageId, "add_member");
    checkShared(image);
    if ((await countMembers(tx.sql, imageId)) >= MAX_MEMBERS) {
      throw tooLarge(
        `The limit has been exceeded on the number of allowed image members for this image. Maximum: ${MAX_MEMBERS}`,
      );
    }
    const member = await insertMember(tx.sql, imageId, memberId);
    if (member === null) throw conflict(`Member ${memberId} is duplicated for image ${imageId}`);
    tx.event({
      action: "image.member.create",
      target: { type: "image", id: imageId, projectId: image.projectId },
      detail: { memberId },
    });
    return member;
  });
}

/** Says yes or no: the member's own word, which the owner cannot give for it. */
export async function updateMember(
  request: Request,
  imageId: string,
  memberId: string,
  status: MemberStatus,
): Promise<ImageMember> {
  return transact(request.app, request.origin, async (tx) => {
    const image = await getVisibleImage(tx.sql, request, imageId);
    checkShared(image);
    const admin = isAdmin(request.actor, request.plane);
    if (!admin && isOwner(request, image))
      throw forbidden("You are not permitted to modify 'status' on this image member.");
    const member =
      admin || memberId === request.actor.projectId ? await setMemberStatus(tx.sql, imageId, memberId, status) : null;
    if (member === null) throw notMember(imageId, memberId);
    tx.event({
      action: "image.member.update",
      target: { type: "image", id: imageId, projectId: image.projectId },
      detail: { memberId, status },
    });
    return member;
  });
}

export async function removeMember(request: Request, imageId: string, memberId: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const image = await lockOwnImage(tx.sql, request, imageId, "delete_member");
    checkShared(image);
    if (!(await deleteMember(tx.sql, imageId, memberId))) throw notMember(imageId, memberId);
    tx.event({
      action: "image.member.delete",
      target: { type: "image", id: imageId, projectId: image.projectId },
      detail: { memberId },
    });
  });
}

/** The owner sees all of them, a member only itself. */
export async function readMembers(request: Request, imageId: string): Promise<ImageMember[]> {
  const image = await getVisibleImage(request.app.db, request, imageId);
  checkShared(image);
  return listMembers(request.app.db, imageId, isOwner(request, image) ? null : (request.actor.projectId ?? ""));
}

export async function readMember(request: Request, imageId: string, memberId: string): Promise<ImageMember> {
  const image = await getVisibleImage(request.app.db, request, imageId);
  const mayKnow = image.visibility === "shared" && (isOwner(request, image) || memberId === request.actor.projectId);
  const member = mayKnow ? await findMember(request.app.db, imageId, memberId) : null;
  if (member === null) throw notMember(imageId, memberId);
  return member;
}
