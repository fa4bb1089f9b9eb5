import { nextPageQuery } from "../../../http/paging.ts";
import type { ApiRequest } from "../../../http/service.ts";

/** Absolute address of something in this API, as seen through the listener the request came by. */
export const identityUrl = (baseUrl: string, path: string): string => `${baseUrl}/identity/v3/${path}`;

export const selfLink = (baseUrl: string, path: string): { links: { self: string } } => ({
  links: { self: identityUrl(baseUrl, path) },
});

export type ListLinks = { self: string; previous: null; next: string | null };

/** Keystone's links of a list; `marker` is the last entry's id when there is more. */
export function listLinks(
  request: Pick<ApiRequest, "baseUrl" | "path" | "query">,
  marker: string | null = null,
): ListLinks {
  const here = `${request.baseUrl}${request.path}`;
  const { raw } = request.query;
  return {
    self: raw === "" ? here : `${here}?${raw}`,
    previous: null,
    next: marker === null ? null : `${here}?${nextPageQuery(request.query, marker)}`,
  };
}
