/** The catalog of a token: what the installation offers, and what the operator added to that. Pure. */
import type { TokenContents } from "@andromede/platform/tokens/token.model";

import type { CatalogEndpoint, CatalogEntry } from "./catalog.ts";
import type { Endpoint, Offered } from "./catalog.model.ts";

type Scope = Pick<TokenContents, "scope" | "user">;

/** Disabled things show in no catalog, nor does an address that names a project when the token has none. */
export function withOffered(own: CatalogEntry[], offered: Offered, token: Scope): CatalogEntry[] {
  if (offered.services.length === 0 && offered.endpoints.length === 0) return own;
  const endpointsOf = (serviceId: string): CatalogEndpoint[] =>
    offered.endpoints
      .filter((endpoint) => endpoint.enabled && endpoint.serviceId === serviceId)
      .flatMap((endpoint) => toCatalogEndpoint(endpoint, token));
  return [
    ...own.map((entry) => ({ ...entry, endpoints: [...entry.endpoints, ...endpointsOf(entry.id)] })),
    ...offered.services
      .filter((service) => service.enabled)
      .map((service) => ({
        id: service.id,
        type: service.type,
        name: service.name ?? "",
        endpoints: endpointsOf(service.id),
      })),
  ];
}

function toCatalogEndpoint(endpoint: Endpoint, token: Scope): CatalogEndpoint[] {
  const url = fillUrl(endpoint.url, token);
  return url === null
    ? []
    : [
        {
          id: endpoint.id,
          interface: endpoint.interface,
          region: endpoint.regionId ?? "",
          region_id: endpoint.regionId ?? "",
          url,
        },
      ];
}

/** `$(project_id)s` or `%(project_id)s`, as Keystone's templates have it; null: the token has no project to put there. */
function fillUrl(url: string, { scope, user }: Scope): string | null {
  const projectId = scope.kind === "project" ? scope.project.id : null;
  let missing = false;
  const filled = url.replaceAll(/[$%]\((\w+)\)s/g, (whole, name: string) => {
    if (name === "user_id") return user.id;
    if (name !== "project_id" && name !== "tenant_id") return whole;
    if (projectId === null) missing = true;
    return projectId ?? "";
  });
  return missing ? null : filled;
}
