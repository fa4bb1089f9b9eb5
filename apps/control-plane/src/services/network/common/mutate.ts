import { type CloudError, conflict, invalid } from "@andromede/base/errors";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { lockRevision } from "./realised.queries.ts";

/** Collections whose resources count their changes, and the tables of those. */
const REVISED: ReadonlyMap<string, string> = new Map([
  ["networks", "network"],
  ["subnets", "subnet"],
  ["ports", "port"],
  ["routers", "router"],
  ["floatingips", "floatingip"],
  ["security-groups", "security_group"],
  ["security-group-rules", "security_group_rule"],
  ["subnetpools", "subnetpool"],
  ["policies", "qos_policy"],
  ["trunks", "trunk"],
  ["address-groups", "address_group"],
]);

/**
 * Extension "revision-if-match": a change asked for under `If-Match: revision_number=N` happens to that revision or not at
 * all. The row stays locked, so nobody comes in between.
 */
async function checkRevision(tx: Transaction, request: Asked): Promise<void> {
  const condition = request.headers["if-match"];
  if (condition === undefined) return;
  const wanted = /^revision_number=(\d{1,9})$/.exec(condition.trim())?.[1];
  if (wanted === undefined) throw invalid("Invalid input for If-Match: the form is revision_number=N.");
  const words = request.path.split("/");
  const at = words.findIndex((word) => REVISED.has(word));
  const id = words[at + 1];
  if (at < 0 || id === undefined || id === "") return;
  const current = await lockRevision(tx.sql, REVISED.get(words[at] ?? "") ?? "", decodeURIComponent(id));
  if (current === null || current === Number(wanted)) return;
  throw conflict(`Constrained to ${wanted}, but current revision is ${current}`, {
    type: "RevisionNumberConstraintFailed",
    status: 412,
  });
}

type Asked = Pick<ApiRequest, "app" | "origin" | "headers" | "path">;

/** A use case's transaction. What only the database can see (somebody was faster) becomes Neutron's conflict, never a 500. */
export async function mutate<T>(request: Asked, work: (tx: Transaction) => Promise<T>): Promise<T> {
  try {
    return await transact(request.app, request.origin, async (tx) => {
      await checkRevision(tx, request);
      return work(tx);
    });
  } catch (error) {
    throw asConflict(error) ?? error;
  }
}

/** What a constraint that two met at says, in Neutron's words and types. */
const RACES: ReadonlyMap<string, { message: string; type?: string }> = new Map([
  [
    "port_mac_once",
    { message: "Unable to complete operation: the mac address is in use on the network.", type: "MacAddressInUse" },
  ],
  ["ip_allocation_pkey", { message: "IP address already allocated in the subnet.", type: "IpAddressAlreadyAllocated" }],
  [
    "floatingip_target_once",
    {
      message: "The fixed IP already has a floating IP on the external network.",
      type: "FloatingIPPortAlreadyAssociated",
    },
  ],
  [
    "network_segment",
    { message: "The physical network, or its VLAN, is already used by another network.", type: "FlatNetworkInUse" },
  ],
  ["network_default", { message: "A default external network already exists.", type: "DefaultExternalNetworkExists" }],
  ["rbac_policy_once", { message: "An RBAC policy already exists with those values.", type: "DuplicateRbacPolicy" }],
  [
    "qos_policy_default",
    { message: "A default QoS policy exists for the project.", type: "QoSPolicyDefaultAlreadyExists" },
  ],
  [
    "qos_rule_once",
    {
      message: "The rule conflicts with one of the same type that the QoS policy already has.",
      type: "QosRulesConflict",
    },
  ],
  ["trunk_subport_once", { message: "The segmentation_id is already in use on the trunk.", type: "DuplicateSubPort" }],
  [
    "subnetpool_default",
    {
      message:
        "A default subnetpool for this IP family has already been set. Only one default may exist per IP family.",
    },
  ],
]);

/** The constraint that a race ran into, in public words; null: not a race. */
export function asConflict(error: unknown): CloudError | null {
  if (!(error instanceof Error) || error.name !== "PostgresError") return null;
  const { code, constraint_name: constraint } = error as Error & { code?: string; constraint_name?: string };
  if (code === "23503")
    return conflict("A resource that the request refers to was deleted or taken into use meanwhile.", { cause: error });
  if (code !== "23505") return null;
  const known = RACES.get(constraint ?? "");
  if (known === undefined)
    return conflict("The request conflicts with another that was made at the same time.", { cause: error });
  return conflict(known.message, { ...(known.type === undefined ? {} : { type: known.type }), cause: error });
}
