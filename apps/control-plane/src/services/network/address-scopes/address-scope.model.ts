/** A space in which addresses are unique: between subnets of one scope nothing is translated. Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { overlaps, parseCidr } from "../common/addresses.ts";
import type { Requester } from "../common/requester.ts";
import { isSharedWith } from "../common/sharing.ts";

export type AddressScope = { id: string; projectId: string; name: string; ipVersion: 4 | 6; sharedWith: string[] };

export const addressScopeNotFound = (id: string): CloudError =>
  notFound(`Address scope ${id} could not be found.`, { type: "AddressScopeNotFound" });
export const addressScopeInUse = (id: string): CloudError =>
  conflict(
    `Unable to complete operation on address scope ${id}. There are one or more subnet pools in use on the address scope`,
    { type: "AddressScopeInUse" },
  );

/** Pools of a scope have no address in common. */
export function checkDisjoint(prefixes: readonly string[], others: readonly string[]): void {
  const known = others.map((text) => parseCidr(text)).filter((cidr) => cidr !== null);
  for (const text of prefixes) {
    const cidr = parseCidr(text);
    if (cidr !== null && known.some((other) => overlaps(cidr, other))) {
      throw conflict(
        "Failed to associate address scope: subnetpools within an address scope must have unique prefixes.",
        { type: "AddressScopePrefixConflict" },
      );
    }
  }
}

export const wrongVersion = (poolId: string, scope: AddressScope): CloudError =>
  invalid(
    `Illegal subnetpool association: subnetpool ${poolId} cannot associate with address scope ${scope.id} because subnetpool ip_version is not ${scope.ipVersion}.`,
    { type: "IllegalSubnetPoolIpVersionAssociation" },
  );

export const toAddressScopeView = (scope: AddressScope, requester: Requester) => ({
  id: scope.id,
  name: scope.name,
  tenant_id: scope.projectId,
  project_id: scope.projectId,
  ip_version: scope.ipVersion,
  shared: isSharedWith(scope, requester),
});
