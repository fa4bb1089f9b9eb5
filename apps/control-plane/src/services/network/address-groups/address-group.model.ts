/** Addresses that security group rules name together. Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { parseCidr } from "../common/addresses.ts";
import type { Requester } from "../common/requester.ts";
import { isSharedWith } from "../common/sharing.ts";
import { toTime } from "../common/wire.ts";

export type AddressGroup = {
  id: string;
  projectId: string;
  name: string;
  description: string;
  addresses: string[];
  sharedWith: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
};

const MAX_ADDRESSES = 1_000;

export const addressGroupNotFound = (id: string): CloudError =>
  notFound(`Address group ${id} could not be found.`, { type: "AddressGroupNotFound" });
export const addressGroupInUse = (id: string): CloudError =>
  conflict(`Address group ${id} is in use on one or more security group rules.`, { type: "AddressGroupInUse" });

/** Canonical prefixes, each once; an address alone is a prefix of full length. */
export function readAddresses(given: readonly string[]): string[] {
  const cidrs = given.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === null)
      throw invalid(`Invalid input for addresses. Reason: '${text}' is not a valid IP subnet.`, { field: "addresses" });
    return cidr.text;
  });
  return [...new Set(cidrs)];
}

/** With these besides; none of them may be there already. */
export function withAddresses(group: AddressGroup, added: readonly string[]): string[] {
  const there = added.filter((address) => group.addresses.includes(address));
  if (there.length > 0) {
    throw invalid(`Addresses ${there.join(", ")} already exist in the address group ${group.id}.`, {
      type: "AddressesAlreadyExist",
    });
  }
  const addresses = [...group.addresses, ...added];
  if (addresses.length > MAX_ADDRESSES)
    throw invalid(`Invalid input for addresses. Reason: more than ${MAX_ADDRESSES} addresses.`, { field: "addresses" });
  return addresses;
}

/** Without these, all of which must be there. */
export function withoutAddresses(group: AddressGroup, removed: readonly string[]): string[] {
  const missing = removed.filter((address) => !group.addresses.includes(address));
  if (missing.length > 0) {
    throw notFound(`Addresses ${missing.join(", ")} not found in the address group ${group.id}.`, {
      type: "AddressesNotFound",
    });
  }
  return group.addresses.filter((address) => !removed.includes(address));
}

export const toAddressGroupView = (group: AddressGroup, requester: Requester) => ({
  id: group.id,
  name: group.name,
  tenant_id: group.projectId,
  project_id: group.projectId,
  description: group.description,
  addresses: group.addresses,
  shared: isSharedWith(group, requester),
  created_at: toTime(group.createdAt),
  updated_at: toTime(group.updatedAt),
  revision_number: group.revisionNumber,
});
