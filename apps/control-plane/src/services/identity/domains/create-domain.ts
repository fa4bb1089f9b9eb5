import { conflict } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import type { Domain, DomainChange } from "./domain.model.ts";
import { insertDomain } from "./domain.queries.ts";

export const duplicateDomain = (name: string) => (cause: unknown) =>
  conflict(`Conflict occurred attempting to store domain - Duplicate entry found with name ${name}.`, { cause });

/** A customers' domain; the operators' one is there from the first migration. */
export async function createDomain(
  app: App,
  origin: Origin,
  given: DomainChange & { name: string },
  extra: JsonObject,
): Promise<Domain> {
  const domain: Domain = {
    id: newHexId(),
    name: given.name.trim(),
    description: given.description ?? "",
    enabled: given.enabled ?? true,
    directory: "customer",
    tags: given.tags ?? [],
    immutable: given.options?.immutable === true,
    extra: mergeExtra({}, extra),
  };
  await transact(app, origin, async (tx) => {
    await refusing(insertDomain(tx.sql, domain), { duplicate: duplicateDomain(domain.name) });
    tx.event({
      action: "identity.domain.create",
      target: { type: "domain", id: domain.id },
      detail: { name: domain.name },
    });
  });
  return domain;
}
