import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf } from "../common/requester.ts";
import { pickFields } from "../common/wire.ts";
import {
  type AddressGroup,
  readAddresses,
  toAddressGroupView,
  withAddresses,
  withoutAddresses,
} from "./address-group.model.ts";
import { addressGroupAttributes } from "./address-group.schema.ts";
import {
  createAddressGroup,
  deleteAddressGroup,
  readAddressGroup,
  readAddressGroups,
  updateAddressGroup,
} from "./change-address-group.ts";

type Wire = { name?: string; description?: string; addresses?: string[]; project_id?: string; tenant_id?: string };

export async function listAddressGroups(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const list = readListRequest(request.query, addressGroupAttributes(requester));
  const groups = await readAddressGroups(request.app.db, requester, list);
  return listReply(
    request,
    list,
    "address_groups",
    groups.map((group) => toAddressGroupView(group, requester)),
  );
}

export async function showAddressGroup(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const group = await readAddressGroup(request.app.db, requester, request.params["id"] ?? "");
  return ok({ address_group: pickFields(toAddressGroupView(group, requester), request.query.all("fields")) });
}

export async function createAddressGroupHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "address_group", "address_groups", {
    read: (wire: Wire) => ({
      projectId: ownerOf(requester, wire),
      name: wire.name ?? "",
      description: wire.description ?? "",
      addresses: wire.addresses ?? [],
    }),
    create: (tx, wanted) => createAddressGroup(tx, wanted),
    view: (group) => toAddressGroupView(group, requester),
  });
}

async function change(request: ApiRequest<never>, how: Parameters<typeof updateAddressGroup>[3]): Promise<Reply> {
  const requester = requesterOf(request);
  const group = await mutate(request, (tx) => updateAddressGroup(tx, requester, request.params["id"] ?? "", how));
  return ok({ address_group: toAddressGroupView(group, requester) });
}

export function updateAddressGroupHandler(request: ApiRequest<{ address_group: Wire }>): Promise<Reply> {
  const { name, description } = request.body.address_group;
  return change(request as ApiRequest<never>, () => ({
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
  }));
}

const changeAddresses =
  (how: (group: AddressGroup, addresses: readonly string[]) => string[]) =>
  (request: ApiRequest<{ addresses: string[] }>): Promise<Reply> => {
    const addresses = readAddresses(request.body.addresses);
    return change(request as ApiRequest<never>, (group) => ({ addresses: how(group, addresses) }));
  };
export const addAddresses = changeAddresses(withAddresses);
export const removeAddresses = changeAddresses(withoutAddresses);

export async function deleteAddressGroupHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteAddressGroup(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
