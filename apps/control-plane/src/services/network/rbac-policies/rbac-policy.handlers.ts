import { invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf } from "../common/requester.ts";
import type { Sharable } from "../common/sharing.ts";
import { pickFields } from "../common/wire.ts";
import {
  createRbacPolicy,
  deleteRbacPolicy,
  readRbacPolicies,
  readRbacPolicy,
  updateRbacPolicy,
} from "./change-rbac-policy.ts";
import { type RbacAction, toRbacPolicyView } from "./rbac-policy.model.ts";
import { rbacPolicyAttributes } from "./rbac-policy.schema.ts";

type Target = { target_tenant?: string; target_project?: string };
type Wire = Target & {
  object_type: Sharable;
  object_id: string;
  action: RbacAction;
  project_id?: string;
  tenant_id?: string;
};

/** Two names of one thing. */
function targetOf({ target_tenant: tenant, target_project: project }: Target): string | undefined {
  if (tenant !== undefined && project !== undefined && tenant !== project)
    throw invalid("'target_project' and 'target_tenant' do not match");
  return project ?? tenant;
}

export async function listRbacPolicies(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, rbacPolicyAttributes);
  const policies = await readRbacPolicies(request.app.db, requesterOf(request), list);
  return listReply(request, list, "rbac_policies", policies.map(toRbacPolicyView));
}

export async function showRbacPolicy(request: ApiRequest): Promise<Reply> {
  const policy = await readRbacPolicy(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ rbac_policy: pickFields(toRbacPolicyView(policy), request.query.all("fields")) });
}

export async function createRbacPolicyHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "rbac_policy", "rbac_policies", {
    read: (wire: Wire) => ({
      projectId: ownerOf(requester, wire),
      objectType: wire.object_type,
      objectId: wire.object_id,
      action: wire.action,
      targetProject: targetOf(wire) ?? "",
    }),
    create: (tx, wanted) => createRbacPolicy(tx, requester, wanted),
    view: toRbacPolicyView,
  });
}

export async function updateRbacPolicyHandler(request: ApiRequest<{ rbac_policy: Target }>): Promise<Reply> {
  const target = targetOf(request.body.rbac_policy);
  const policy = await mutate(request, (tx) =>
    updateRbacPolicy(tx, requesterOf(request), request.params["id"] ?? "", target),
  );
  return ok({ rbac_policy: toRbacPolicyView(policy) });
}

export async function deleteRbacPolicyHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteRbacPolicy(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
