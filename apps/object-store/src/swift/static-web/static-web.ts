/** A container as a web site: index pages, listings, error pages. For those without a token, or who ask with X-Web-Mode. */
import { Readable } from "node:stream";

import { CloudError } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import { authorize } from "../acl/caller.ts";
import { readContainer } from "../containers/container.handlers.ts";
import { LIMITS } from "../limits.ts";
import { getObject } from "../objects/get-object.ts";
import { type SwiftRequest, findContainer } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";
import { type Reply, errorReply, movedReply } from "../wire/reply.ts";
import { isTrue, quote } from "../wire/text.ts";
import {
  type ListingPlace,
  PAGE_MARK,
  type Site,
  isSite,
  listingPage,
  noListingPage,
  siteOf,
} from "./static-web.view.ts";

const asksForPages = ({ caller, headers }: SwiftRequest): boolean =>
  caller.actor === null || isTrue(headers["x-web-mode"] as string | undefined);

/** GET and HEAD of a container. */
export async function readContainerOrSite(request: SwiftRequest): Promise<Reply> {
  if (!asksForPages(request)) return readContainer(request);
  const { projectId, method } = request;
  const container = await findContainer(request, projectId, request.container ?? "");
  if (container === null) return readContainer(request);
  const site = siteOf(container.metadata);
  const place = { request, container, site };
  try {
    await authorize(request, { projectId, container, level: "container", method });
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return errorPage(place, errorReply(error, request.account));
  }
  if (!isSite(site)) {
    if (isTrue(request.headers["x-web-mode"] as string | undefined)) throw refusal(404);
    return readContainer(request);
  }
  if (!request.exchange.rawPath.endsWith("/")) return withSlash(request);
  if (site.index === "") return listing(place, "");
  const reply = await attempt({ ...request, object: site.index });
  if (reply.status === 404) return listing(place, "");
  return reply.status < 400 ? reply : errorPage(place, reply);
}

/** GET and HEAD of an object. */
export async function getObjectOrPage(request: SwiftRequest): Promise<Reply> {
  if (!asksForPages(request)) return getObject(request);
  const found = await attempt(request);
  const container = await findContainer(request, request.projectId, request.container ?? "");
  if (container === null) return found;
  const site = siteOf(container.metadata);
  const isDirectory =
    found.status < 400 &&
    found.headers["Content-Type"] === site.directoryType &&
    Number(found.headers["Content-Length"] ?? 0) <= 1;
  if (!isDirectory && found.status !== 404) return found;
  if (!isSite(site)) return found;
  drop(found);
  return directory({ request, container, site }, request.object ?? "");
}

type Place = { request: SwiftRequest; container: Container; site: Site };

async function directory(place: Place, path: string): Promise<Reply> {
  const { request, container, site } = place;
  if (site.index !== "") {
    const index = await attempt({ ...request, object: `${path.endsWith("/") ? path : `${path}/`}${site.index}` });
    if (index.status < 400) {
      if (path.endsWith("/")) return index;
      drop(index);
      return withSlash(request);
    }
    if (index.status !== 404) return errorPage(place, index);
  }
  if (path.endsWith("/")) return listing(place, path);
  const below = await request.store.namespace.listObjects(container, { prefix: `${path}/`, limit: 1 });
  return below.entries.length === 0 ? errorPage(place, notFoundReply(request)) : withSlash(request);
}

async function listing(place: Place, prefix: string): Promise<Reply> {
  const { request, container, site } = place;
  const { store, caller, projectId } = request;
  const where: ListingPlace = {
    path: `/v1/${request.account}/${container.name}/${prefix}`,
    prefix,
    ...signedQuery(request),
  };
  const headers = { "Content-Type": "text/html; charset=UTF-8" };
  if (!site.hasListings) return errorPage(place, { status: 404, headers, body: noListingPage(site, where) });
  try {
    await authorize(request, { projectId, container, level: "container", method: "GET", prefix });
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return errorPage(place, errorReply(error, request.account));
  }
  const page = await store.namespace.listObjects(container, {
    delimiter: "/",
    limit: LIMITS.listing,
    ...(prefix === "" ? {} : { prefix }),
  });
  if (prefix !== "" && page.entries.length === 0) return errorPage(place, notFoundReply(request));
  return {
    status: 200,
    headers: { ...headers, ...(caller.bearer === null ? {} : { [PAGE_MARK]: "page" }) },
    body: listingPage(site, where, page.entries),
  };
}

/** Links on a page that was had by a signed URL are signed by the same. */
function signedQuery({ caller, query }: SwiftRequest): { query: string; top: string } {
  const prefix = query["temp_url_prefix"];
  if (caller.bearer === null || prefix === undefined) return { query: "", top: "" };
  const parts = ["temp_url_prefix", "temp_url_expires", "temp_url_sig", "temp_url_ip_range"].flatMap((name) => {
    const value = query[name];
    return value === undefined ? [] : [`${name}=${quote(value)}`];
  });
  if (query["inline"] !== undefined) parts.push("inline");
  return { query: `?${parts.join("&")}`, top: prefix };
}

/** The site's own page for that status, if it has one. */
async function errorPage({ request, site }: Place, reply: Reply): Promise<Reply> {
  if (site.error === "") return reply;
  const { range: _range, "if-none-match": _tag, "if-modified-since": _since, ...headers } = request.headers;
  const page = await attempt({ ...request, headers, query: {}, object: `${reply.status}${site.error}` });
  return page.status < 300 ? { ...page, status: reply.status } : reply;
}

async function attempt(request: SwiftRequest): Promise<Reply> {
  try {
    return await getObject(request);
  } catch (error) {
    if (!(error instanceof CloudError) || error.kind === "internal") throw error;
    return errorReply(error, request.account);
  }
}

const notFoundReply = (request: SwiftRequest): Reply => errorReply(refusal(404), request.account);

function drop({ body }: Reply): void {
  if (body instanceof Readable) body.destroy();
}

/** Relative links on the page only lead to the right place from a path that ends in a slash. */
const withSlash = ({ exchange: { rawPath, rawQuery } }: SwiftRequest): Reply =>
  movedReply(301, `${rawPath.replace(/^\/+/, "/")}/${rawQuery === "" ? "" : `?${rawQuery}`}`);
