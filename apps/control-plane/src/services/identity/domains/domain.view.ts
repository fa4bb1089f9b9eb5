import { selfLink } from "../shared/identity-links.ts";
import type { Domain } from "./domain.model.ts";

export const toDomainView = (domain: Domain, baseUrl: string) => ({
  ...domain.extra,
  id: domain.id,
  name: domain.name,
  description: domain.description,
  enabled: domain.enabled,
  tags: domain.tags,
  options: domain.immutable ? { immutable: true } : {},
  ...selfLink(baseUrl, `domains/${domain.id}`),
});
