/**
 * What a rule asks of the actor. Each includes those before it: admin > manager > member > reader > authenticated.
 * `admin` answers on the operators' plane only (architecture.md, rule 9), whatever roles a customer's account carries.
 */
import type { Actor, Plane } from "@andromede/platform/tokens/actor";

export type RoleCheck = "anyone" | "authenticated" | "reader" | "member" | "manager" | "admin";

/** One row of a service's policy.ts. */
export type PolicyRule = { name: string; role: RoleCheck; description: string };

const ORDER = ["reader", "member", "manager", "admin"] as const;

/** Does the token carry the role, itself or through a greater one? */
export function hasRole(actor: Actor, role: (typeof ORDER)[number]): boolean {
  return ORDER.slice(ORDER.indexOf(role)).some((name) => actor.roles.has(name));
}

/** Is this an operator, at the operators' door? */
export const isAdmin = (actor: Actor, plane: Plane): boolean =>
  plane === "operator" && actor.directory === "operator" && actor.roles.has("admin");

export function allows(role: RoleCheck, actor: Actor, plane: Plane): boolean {
  switch (role) {
    case "anyone":
    case "authenticated":
      return true;
    case "reader":
    case "member":
    case "manager":
      return hasRole(actor, role);
    case "admin":
      return isAdmin(actor, plane);
  }
}
