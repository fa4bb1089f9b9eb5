import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { imageId } from "../images/image.handlers.ts";
import type { MemberStatus } from "./member.model.ts";
import { toMemberView, toMembersView } from "./member.view.ts";
import { createMember, readMember, readMembers, removeMember, updateMember } from "./share-image.ts";

const memberId = (request: Pick<ApiRequest, "params">): string => request.params["member_id"] ?? "";

export async function create(request: ApiRequest<{ member: string }>): Promise<Reply> {
  return ok(toMemberView(await createMember(request, imageId(request), request.body.member)));
}

export async function list(request: ApiRequest): Promise<Reply> {
  return ok(toMembersView(await readMembers(request, imageId(request))));
}

export async function show(request: ApiRequest): Promise<Reply> {
  return ok(toMemberView(await readMember(request, imageId(request), memberId(request))));
}

export async function update(request: ApiRequest<{ status: MemberStatus }>): Promise<Reply> {
  return ok(toMemberView(await updateMember(request, imageId(request), memberId(request), request.body.status)));
}

export async function remove(request: ApiRequest): Promise<Reply> {
  await removeMember(request, imageId(request), memberId(request));
  return noContent();
}
