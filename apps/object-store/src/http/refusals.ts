/** Who is refused is written down: a refusal changes nothing, so its event is a transaction of its own, behind the answer. */
import type { CloudError } from "@andromede/base/errors";
import { insertEvents } from "@andromede/platform/events/append";
import type { Actor } from "@andromede/platform/tokens/actor";

import type { Exchange } from "./exchange.ts";

/** Only of those who signed in: anybody else could fill the log. */
export function recordRefusal(exchange: Exchange, actor: Actor | null, error: CloudError): void {
  if (actor === null || (error.kind !== "forbidden" && error.kind !== "overQuota")) return;
  const { store, transactionId, method, rawPath } = exchange;
  insertEvents(
    store.db,
    exchange.origin(actor),
    [
      {
        action: "object-store.request.refuse",
        outcome: "failure",
        reason: error.message === "" ? "Access was denied to this resource." : error.message,
        target: { type: "request", id: transactionId },
        detail: { method, path: rawPath.slice(0, 512), kind: error.kind },
      },
    ],
    store.clock.now(),
  ).catch((cause: unknown) =>
    store.log.error({ error: cause, requestId: transactionId }, "a refusal could not be recorded"),
  );
}
