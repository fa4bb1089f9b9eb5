/**
 * (what is wanted of several, how each of them is) -> what becomes of the whole: a group with its volumes, a group's snapshot
 * with its snapshots. Pure. Each of the several has a deadline of its own, so the whole ends too.
 */
import type { GroupStatus } from "./group.model.ts";

export type WholeStep = { step: "rest" } | { step: "settle"; status: GroupStatus } | { step: "forget" };

/** `parts`: their statuses; those that are gone are not among them. */
export function planWhole(status: GroupStatus, parts: readonly string[]): WholeStep {
  if (status === "creating") {
    if (parts.includes("creating")) return { step: "rest" };
    return { step: "settle", status: parts.some((part) => part.startsWith("error")) ? "error" : "available" };
  }
  if (status !== "deleting" || parts.includes("deleting")) return { step: "rest" };
  return parts.length === 0 ? { step: "forget" } : { step: "settle", status: "error_deleting" };
}
