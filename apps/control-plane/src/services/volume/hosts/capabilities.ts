/** What the cloud's pools can do, and whether that is what a type asks for (Cinder's CapabilitiesFilter). Pure. */
import type { VolumePool } from "@andromede/agent-api/types";

import { OVERSUBSCRIPTION } from "./host.model.ts";

export const VENDOR = "Andromede";
export const PROTOCOL = "andromede";

/** A pool's capabilities, as `get_pools?detail=true` shows them. */
export const capabilitiesOf = (
  pool: VolumePool,
  promisedGib: number,
): { [name: string]: string | number | boolean | null } => ({
  volume_backend_name: pool.name,
  vendor_name: VENDOR,
  storage_protocol: PROTOCOL,
  driver_version: "1.0",
  backend_state: "up",
  total_capacity_gb: pool.totalGib,
  free_capacity_gb: pool.freeGib,
  allocated_capacity_gb: promisedGib,
  provisioned_capacity_gb: promisedGib,
  max_over_subscription_ratio: OVERSUBSCRIPTION,
  reserved_percentage: 0,
  thin_provisioning_support: true,
  thick_provisioning_support: false,
  multiattach: true,
  QoS_support: true,
  online_extend_support: true,
  encryption: true,
  filter_function: null,
  goodness_function: null,
});

/** Does a pool have all that the extra specs ask for? Names with another scope than `capabilities:` are somebody else's. */
export function satisfies(
  capabilities: { readonly [name: string]: string | number | boolean | null },
  extraSpecs: { readonly [name: string]: string },
): boolean {
  return Object.entries(extraSpecs).every(([key, wanted]) => {
    const parts = key.split(":");
    if (parts.length > 1 && parts[0] !== "capabilities") return true;
    const name = parts.at(-1) ?? "";
    return Object.hasOwn(capabilities, name) && matches(capabilities[name] ?? null, wanted);
  });
}

type Compare = (left: number, right: number) => boolean;
const NUMERIC: { readonly [operator: string]: Compare } = {
  "=": (left, right) => left >= right,
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
};

/** One requirement: `<is> True`, `<in> text`, `<or> a <or> b`, `>= 5`, `s== text`, or the very text. */
function matches(has: string | number | boolean | null, wanted: string): boolean {
  const words = wanted.trim().split(/\s+/);
  const [operator = "", operand = ""] = words;
  const text = String(has);
  if (operator === "<is>") return (operand.toLowerCase() === "true") === (has === true);
  if (operator === "<in>") return text.includes(operand);
  if (operator === "<or>") return words.some((word) => word === text);
  const compare = NUMERIC[operator];
  if (compare !== undefined) return compare(Number(text), Number(operand));
  if (operator.startsWith("s") && words.length > 1) return compareTexts(operator, text, operand);
  return text.toLowerCase() === wanted.trim().toLowerCase();
}

function compareTexts(operator: string, has: string, wanted: string): boolean {
  switch (operator) {
    case "s==":
      return has === wanted;
    case "s!=":
      return has !== wanted;
    case "s>=":
      return has >= wanted;
    case "s>":
      return has > wanted;
    case "s<=":
      return has <= wanted;
    case "s<":
      return has < wanted;
    default:
      return false;
  }
}
