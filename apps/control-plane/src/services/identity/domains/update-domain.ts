import { forbidden, notFound } from "@andromede/base/errors";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import { assertMutable, isImmutableAfter } from "../shared/immutable.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { duplicateDomain } from "./create-domain.ts";
import { type Domain, type DomainChange, OPERATORS_DOMAIN, isBuiltIn } from "./domain.model.ts";
import { deleteDomainRow, lockDomain, updateDomainRow } from "./domain.queries.ts";

const missing = (id: string) => notFound(`Could not find domain: ${id}.`);

/** Disabling it ends every token of its users and on its projects. */
export async function updateDomain(
  app: App,
  origin: Origin,
  id: string,
  change: DomainChange,
  extra: JsonObject,
): Promise<Domain> {
  return transactRevoking(app, origin, async (tx, revoke) => {
    const before = await lockDomain(tx.sql, id);
    if (before === null) throw missing(id);
    assertMutable("domain", before, change.options);
    if (id === OPERATORS_DOMAIN && change.enabled === false)
      throw forbidden("The operators' domain cannot be disabled");
    const domain: Domain = {
      ...before,
      name: change.name?.trim() ?? before.name,
      description: change.description === undefined ? before.description : (change.description ?? ""),
      enabled: change.enabled ?? before.enabled,
      tags: change.tags ?? before.tags,
      immutable: isImmutableAfter(before, change.options),
      extra: mergeExtra(before.extra, extra),
    };
    await refusing(updateDomainRow(tx.sql, domain), { duplicate: duplicateDomain(domain.name) });
    if (before.enabled && !domain.enabled) revoke(revocationOf.domain(id));
    tx.event({
      action: "identity.domain.update",
      target: { type: "domain", id },
      detail: { name: domain.name, enabled: domain.enabled },
    });
    return domain;
  });
}

/** Only a disabled one, as Keystone: nobody deletes a domain in use by a slip. */
export async function deleteDomain(app: App, origin: Origin, id: string): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    const domain = await lockDomain(tx.sql, id);
    if (domain === null) throw missing(id);
    if (isBuiltIn(id)) throw forbidden(`Domain ${id} belongs to the installation and cannot be deleted`);
    assertMutable("domain", domain);
    if (domain.enabled) throw forbidden("Cannot delete a domain that is enabled, please disable it first.");
    await deleteDomainRow(tx.sql, id);
    revoke(revocationOf.domain(id));
    tx.event({ action: "identity.domain.delete", target: { type: "domain", id }, detail: { name: domain.name } });
  });
}
