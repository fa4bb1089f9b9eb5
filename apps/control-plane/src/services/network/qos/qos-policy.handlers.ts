import { notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf, requireAdminFor } from "../common/requester.ts";
import { type WireBoolean, pickFields, toBoolean } from "../common/wire.ts";
import {
  createQosPolicy,
  createQosRule,
  deleteQosPolicy,
  deleteQosRule,
  policyOfRule,
  readQosPolicies,
  readQosPolicy,
  readQosRule,
  readQosRules,
  updateQosPolicy,
  updateQosRule,
} from "./change-qos-policy.ts";
import { DSCP_MARKS, type QosRuleType, type QosRuleWire, RULE_TYPES } from "./qos-policy.model.ts";
import { qosPolicyAttributes, qosRuleAttributes } from "./qos-policy.schema.ts";
import { toQosPolicyView, toQosRuleView, toRuleTypeView } from "./qos-policy.view.ts";

type Wire = {
  name: string;
  description?: string;
  shared?: WireBoolean;
  is_default?: WireBoolean;
  project_id?: string;
  tenant_id?: string;
};

const FOR_ADMINS = ["shared"];
const asked = (wire: object): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== false));

export async function listQosPolicies(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const list = readListRequest(request.query, qosPolicyAttributes(requester));
  const policies = await readQosPolicies(request.app.db, requester, list);
  return listReply(
    request,
    list,
    "policies",
    policies.map((policy) => toQosPolicyView(policy, requester)),
  );
}

export async function showQosPolicy(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const policy = await readQosPolicy(request.app.db, requester, request.params["id"] ?? "");
  return ok({ policy: pickFields(toQosPolicyView(policy, requester), request.query.all("fields")) });
}

export async function createQosPolicyHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "policy", "policies", {
    read(wire: Wire) {
      requireAdminFor(requester, "create_policy", asked(wire), FOR_ADMINS);
      return {
        projectId: ownerOf(requester, wire),
        name: wire.name,
        description: wire.description ?? "",
        shared: toBoolean(wire.shared ?? false),
        isDefault: toBoolean(wire.is_default ?? false),
      };
    },
    create: (tx, wanted) => createQosPolicy(tx, wanted),
    view: (policy) => toQosPolicyView(policy, requester),
  });
}

export async function updateQosPolicyHandler(request: ApiRequest<{ policy: Partial<Wire> }>): Promise<Reply> {
  const requester = requesterOf(request);
  const wire = request.body.policy;
  requireAdminFor(requester, "update_policy", wire, FOR_ADMINS);
  const change = {
    ...(wire.name === undefined ? {} : { name: wire.name }),
    ...(wire.description === undefined ? {} : { description: wire.description }),
    ...(wire.shared === undefined ? {} : { shared: toBoolean(wire.shared) }),
    ...(wire.is_default === undefined ? {} : { isDefault: toBoolean(wire.is_default) }),
  };
  const policy = await mutate(request, (tx) => updateQosPolicy(tx, requester, request.params["id"] ?? "", change));
  return ok({ policy: toQosPolicyView(policy, requester) });
}

export async function deleteQosPolicyHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteQosPolicy(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}

/** The calls on rules of one type; `member` is what the body calls one. */
export function ruleHandlers(type: QosRuleType, member: string) {
  const at = (request: ApiRequest<never>) => ({
    type,
    policyId: request.params["policy_id"] ?? "",
    id: request.params["id"] ?? "",
  });
  /** By the rule's id alone, the policy is looked for. */
  const find = async (request: ApiRequest<never>) => {
    const { id } = at(request);
    const requester = requesterOf(request);
    return { type, id, policyId: await policyOfRule(request.app.db, requester, type, id) };
  };
  type Where = (request: ApiRequest<never>) => ReturnType<typeof at> | ReturnType<typeof find>;

  const of = (where: Where) => ({
    show: async (request: ApiRequest<never>): Promise<Reply> => {
      const rule = await readQosRule(request.app.db, requesterOf(request), await where(request));
      return ok({ [member]: pickFields(toQosRuleView(rule), request.query.all("fields")) });
    },
    update: async (request: ApiRequest<never>): Promise<Reply> => {
      const wire = (request.body as { [member: string]: QosRuleWire })[member] ?? {};
      const place = await where(request);
      const rule = await mutate(request, (tx) => updateQosRule(tx, requesterOf(request), place, wire));
      return ok({ [member]: toQosRuleView(rule) });
    },
    remove: async (request: ApiRequest<never>): Promise<Reply> => {
      const place = await where(request);
      await mutate(request, (tx) => deleteQosRule(tx, requesterOf(request), place));
      return noContent();
    },
  });

  return {
    ...of(at),
    alias: of(find),
    async list(request: ApiRequest<never>): Promise<Reply> {
      const list = readListRequest(request.query, qosRuleAttributes[type]);
      const rules = await readQosRules(request.app.db, requesterOf(request), at(request), list);
      return listReply(request, list, `${member}s`, rules.map(toQosRuleView));
    },
    create(request: ApiRequest<never>): Promise<Reply> {
      const requester = requesterOf(request);
      const { policyId } = at(request);
      return createMany<QosRuleWire, QosRuleWire, Awaited<ReturnType<typeof createQosRule>>>(
        request,
        member,
        `${member}s`,
        {
          read: (wire) => wire,
          create: (tx, wire) => createQosRule(tx, requester, { policyId, type, wire }),
          view: toQosRuleView,
        },
      );
    },
  };
}

/** All that is known here is supported, so both of the filters of "qos-rule-type-filter" change nothing. */
export function listRuleTypes(request: ApiRequest): Reply {
  const wanted = request.query.all("type");
  const types = RULE_TYPES.filter((type) => wanted.length === 0 || wanted.includes(type));
  return ok({ rule_types: types.map((type) => ({ type })) });
}

export function showRuleType(request: ApiRequest): Reply {
  const name = request.params["type"] ?? "";
  const type = RULE_TYPES.find((one) => one === name);
  if (type === undefined) throw notFound(`QoS rule type ${name} could not be found.`, { type: "QosRuleTypeNotFound" });
  return ok({ rule_type: toRuleTypeView(type, DSCP_MARKS) });
}
