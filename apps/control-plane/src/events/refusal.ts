import type { CloudError } from "@andromede/base/errors";
import { insertEvents } from "@andromede/platform/events/append";
import type { Actor, Plane } from "@andromede/platform/tokens/actor";

import type { App } from "../app.ts";

export type RefusedRequest = {
  requestId: string;
  actor: Actor;
  plane: Plane;
  address: string;
  service: string;
  method: string;
  path: string;
};

const REFUSALS = new Set<CloudError["kind"]>(["forbidden", "overQuota"]);

/**
 * A refusal changes nothing, so its event is a transaction of its own, written behind the answer. A 401 without a
 * user is noise that anyone can make without limit; sign-ins that fail are recorded by identity, which knows whose they were.
 */
export function recordRefusal(
  app: Pick<App, "db" | "clock" | "log">,
  error: CloudError,
  request: RefusedRequest,
): void {
  if (!REFUSALS.has(error.kind) || request.actor.userId === "") return;
  insertEvents(
    app.db,
    {
      requestId: request.requestId,
      userId: request.actor.userId,
      userName: request.actor.userName,
      projectId: request.actor.projectId,
      plane: request.plane,
      address: request.address,
    },
    [
      {
        action: `${request.service}.request.refuse`,
        outcome: "failure",
        reason: error.message,
        target: { type: "request", id: request.requestId },
        detail: { method: request.method, path: (request.path.split("?", 1)[0] ?? "").slice(0, 512), kind: error.kind },
      },
    ],
    app.clock.now(),
  ).catch((cause: unknown) =>
    app.log.error({ error: cause, requestId: request.requestId }, "a refusal could not be recorded"),
  );
}
