/** Whose request it is, as the use cases of volumes need it. */
import { forbidden } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";

export type Asked = Pick<ApiRequest, "actor" | "plane">;

/** The project that the token is for. */
export function projectOf({ actor }: Asked): string {
  if (actor.projectId === null) throw forbidden("This call needs a token that is scoped to a project.");
  return actor.projectId;
}

/** Whose things the actor may touch: their project's; null: everybody's. */
export const scopeOf = (asked: Asked): string | null => (isAdmin(asked.actor, asked.plane) ? null : projectOf(asked));

export const asksAsAdmin = (asked: Asked): boolean => isAdmin(asked.actor, asked.plane);

/** For what only operators may do among what a route offers to everybody. */
export function checkAdmin(asked: Asked, rule: string): void {
  if (!asksAsAdmin(asked)) throw forbidden(`Policy doesn't allow ${rule} to be performed.`);
}
