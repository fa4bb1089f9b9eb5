import type { RowJson } from "../../../http/row-json.ts";
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import type { ListRequest } from "./list-request.ts";
import { pickFields } from "./wire.ts";

/** `{networks: [...], networks_links: [...]}`: links only when pages were asked for, as Neutron does. */
export function listReply(
  request: Pick<ApiRequest, "query" | "baseUrl" | "path">,
  list: ListRequest,
  collection: string,
  views: { id: string }[],
): Reply {
  const body: { [key: string]: unknown } = {
    [collection]: list.fields.length === 0 ? views : views.map((view) => pickFields(view, list.fields)),
  };
  const links = pageLinks(request, list, views);
  if (links.length > 0) body[`${collection}_links`] = links;
  return ok(body);
}

/** The same of views that are JSON already, whole. */
export function listReplyOfJson(
  request: Pick<ApiRequest, "query" | "baseUrl" | "path">,
  list: ListRequest,
  collection: string,
  rows: RowJson[],
): Reply {
  const links = pageLinks(request, list, rows);
  const tail = links.length === 0 ? "" : `,"${collection}_links":${JSON.stringify(links)}`;
  const body = `{"${collection}":[${rows.map((row) => row.json).join(",")}]${tail}}`;
  return { status: 200, body, headers: { "content-type": "application/json" } };
}

function pageLinks(
  request: Pick<ApiRequest, "query" | "baseUrl" | "path">,
  list: ListRequest,
  views: { id: string }[],
): { rel: string; href: string }[] {
  if (list.limit === undefined) return [];
  const first = views.at(0);
  const last = views.at(-1);
  if (first === undefined || last === undefined) return [];
  const full = views.length === list.limit;
  const link = (rel: "next" | "previous", marker: string): { rel: string; href: string } => {
    const parameters = new URLSearchParams(request.query.raw);
    parameters.delete("marker");
    parameters.delete("page_reverse");
    parameters.set("marker", marker);
    if (rel === "previous") parameters.set("page_reverse", "True");
    return { rel, href: `${request.baseUrl}${request.path}?${parameters.toString()}` };
  };
  const hasNext = list.reverse || full;
  const hasPrevious = list.reverse ? full : list.marker !== undefined;
  return [...(hasNext ? [link("next", last.id)] : []), ...(hasPrevious ? [link("previous", first.id)] : [])];
}
