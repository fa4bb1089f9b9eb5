import { notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { requireDomainScope } from "../shared/authority.ts";
import { readListFilter, toPage } from "../shared/list-filter.ts";
import type { Domain } from "./domain.model.ts";
import { findDomain, listDomains, listDomainsOfUser } from "./domain.queries.ts";

/** One's own: the domain the token is for, or the one its project is in; operators' accounts see all, whatever their role. */
export async function readDomain(request: ApiRequest, id: string): Promise<Domain> {
  const { actor, app } = request;
  const staff = actor.directory === "operator";
  const mine = staff || actor.domainId === id || actor.projectDomainId === id;
  const domain = mine ? await findDomain(app.db, id) : null;
  if (domain === null) throw notFound(`Could not find domain: ${id}.`);
  return domain;
}

export async function readDomains(request: ApiRequest): Promise<{ rows: Domain[]; next: string | null }> {
  const scope = requireDomainScope(request, "reader", "list_domains");
  const filter = readListFilter(request.query);
  return toPage(await listDomains(request.app.db, filter, scope), filter.limit);
}

/** Those that the asker could get a token for. */
export const readOwnDomains = (request: ApiRequest): Promise<Domain[]> =>
  listDomainsOfUser(request.app.db, request.actor.userId);
