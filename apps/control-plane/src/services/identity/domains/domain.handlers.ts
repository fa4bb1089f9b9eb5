import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { extraOf } from "../shared/extra.ts";
import { listLinks } from "../shared/identity-links.ts";
import { createDomain } from "./create-domain.ts";
import type { DomainChange } from "./domain.model.ts";
import { domainMembers } from "./domain.schema.ts";
import { toDomainView } from "./domain.view.ts";
import { readDomain, readDomains, readOwnDomains } from "./read-domains.ts";
import { deleteDomain, updateDomain } from "./update-domain.ts";

type Created = { domain: DomainChange & { name: string } };
type Updated = { domain: DomainChange };
const idOf = (request: Pick<ApiRequest, "params">): string => request.params["domain_id"] ?? "";

export async function handleCreateDomain(request: ApiRequest<Created>): Promise<Reply> {
  const given = request.body.domain;
  const domain = await createDomain(request.app, request.origin, given, extraOf(given, domainMembers));
  return created({ domain: toDomainView(domain, request.baseUrl) });
}

export async function handleListDomains(request: ApiRequest): Promise<Reply> {
  const page = await readDomains(request);
  return ok({
    domains: page.rows.map((domain) => toDomainView(domain, request.baseUrl)),
    links: listLinks(request, page.next),
  });
}

export async function handleOwnDomains(request: ApiRequest): Promise<Reply> {
  const domains = await readOwnDomains(request);
  return ok({ domains: domains.map((domain) => toDomainView(domain, request.baseUrl)), links: listLinks(request) });
}

export async function handleShowDomain(request: ApiRequest): Promise<Reply> {
  return ok({ domain: toDomainView(await readDomain(request, idOf(request)), request.baseUrl) });
}

export async function handleUpdateDomain(request: ApiRequest<Updated>): Promise<Reply> {
  const given = request.body.domain;
  const domain = await updateDomain(request.app, request.origin, idOf(request), given, extraOf(given, domainMembers));
  return ok({ domain: toDomainView(domain, request.baseUrl) });
}

export async function handleDeleteDomain(request: ApiRequest): Promise<Reply> {
  await deleteDomain(request.app, request.origin, idOf(request));
  return noContent();
}
