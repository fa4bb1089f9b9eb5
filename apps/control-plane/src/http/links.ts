import type { ApiRequest } from "./service.ts";

export type Link = { href: string; rel: string; type?: string };

/** `self` and `bookmark`, as Nova and Cinder put on everything: the second has no version in it. */
export function resourceLinks(
  request: Pick<ApiRequest, "baseUrl">,
  mount: string,
  version: string,
  path: string,
): Link[] {
  return [
    { rel: "self", href: `${request.baseUrl}${mount}/${version}/${path}` },
    { rel: "bookmark", href: `${request.baseUrl}${mount}/${path}` },
  ];
}
