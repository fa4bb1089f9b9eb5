import { type CloudError, conflict } from "@andromede/base/errors";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";

/** A use case's transaction. What only the database can see (somebody was faster) becomes Neutron's conflict, never a 500. */
export async function mutate<T>(
  request: Pick<ApiRequest, "app" | "origin">,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await transact(request.app, request.origin, work);
  } catch (error) {
    throw asConflict(error) ?? error;
  }
}

/** The constraint that a race ran into, in public words; null: not a race. */
export function asConflict(error: unknown): CloudError | null {
  if (!(error instanceof Error) || error.name !== "PostgresError") return null;
  const { code, constraint_name: constraint } = error as Error & { code?: string; constraint_name?: string };
  if (code === "23503")
    return conflict("A resource that the request refers to was deleted or taken into use meanwhile.", { cause: error });
  if (code !== "23505") return null;
  switch (constraint ?? "") {
    case "port_mac_once":
      return conflict("Unable to complete operation: the mac address is in use on the network.", {
        type: "MacAddressInUse",
        cause: error,
      });
    case "ip_allocation_pkey":
      return conflict("IP address already allocated in the subnet.", {
        type: "IpAddressAlreadyAllocated",
        cause: error,
      });
    case "floatingip_target_once":
      return conflict("The fixed IP already has a floating IP on the external network.", {
        type: "FloatingIPPortAlreadyAssociated",
        cause: error,
      });
    case "network_segment":
      return conflict("The physical network, or its VLAN, is already used by another network.", {
        type: "FlatNetworkInUse",
        cause: error,
      });
    case "network_default":
      return conflict("A default external network already exists.", {
        type: "DefaultExternalNetworkExists",
        cause: error,
      });
    case "subnetpool_default":
      return conflict(
        "A default subnetpool for this IP family has already been set. Only one default may exist per IP family.",
        { cause: error },
      );
    default:
      return conflict("The request conflicts with another that was made at the same time.", { cause: error });
  }
}
