import { type Route, route } from "../../../http/service.ts";
import {
  handleCreateDomain,
  handleDeleteDomain,
  handleListDomains,
  handleOwnDomains,
  handleShowDomain,
  handleUpdateDomain,
} from "./domain.handlers.ts";
import { createDomainSchema, updateDomainSchema } from "./domain.schema.ts";

export const domainRoutes: Route[] = [
  route({ method: "GET", path: "/v3/auth/domains", rule: "identity:get_auth_domains", handler: handleOwnDomains }),
  route({ method: "GET", path: "/v3/domains", rule: "identity:list_domains", handler: handleListDomains }),
  route({
    method: "POST",
    path: "/v3/domains",
    rule: "identity:create_domain",
    body: createDomainSchema,
    handler: handleCreateDomain,
  }),
  route({ method: "GET", path: "/v3/domains/:domain_id", rule: "identity:get_domain", handler: handleShowDomain }),
  route({
    method: "PATCH",
    path: "/v3/domains/:domain_id",
    rule: "identity:update_domain",
    body: updateDomainSchema,
    handler: handleUpdateDomain,
  }),
  route({
    method: "DELETE",
    path: "/v3/domains/:domain_id",
    rule: "identity:delete_domain",
    handler: handleDeleteDomain,
  }),
];
