/** Pages that a container shows as a web site. Pure. */
import type { ListedObject, Page } from "../../namespace/namespace.ts";
import { listedSize } from "../listings/listing.view.ts";
import { toIsoTime } from "../wire/http-date.ts";
import type { Metadata } from "../wire/metadata.ts";
import { escapeMarkup, isTrue, quote } from "../wire/text.ts";

/** X-Container-Meta-Web-*. */
export type Site = {
  index: string;
  error: string;
  hasListings: boolean;
  /** Anything was said of listings, yes or no. */
  saysListings: boolean;
  css: string;
  label: string;
  directoryType: string;
};

export function siteOf(metadata: Metadata): Site {
  const said = (name: string): string => (metadata[`web-${name}`] ?? "").trim();
  return {
    index: said("index"),
    error: said("error"),
    hasListings: isTrue(said("listings")),
    saysListings: said("listings") !== "",
    css: said("listings-css"),
    label: said("listings-label"),
    directoryType: said("directory-type") || "application/directory",
  };
}

/** Among an answer's headers, for whoever dresses it: this is a page of ours. It never goes out. */
export const PAGE_MARK = "X-Page-Made-Here";

export const isSite = ({ index, saysListings }: Site): boolean => index !== "" || saysListings;

/** Where a listing is shown: `query` goes behind every link (a signed URL's own), `top` is the prefix above which it may not lead. */
export type ListingPlace = { path: string; prefix: string; query: string; top: string };

const STYLE =
  "<style>h1 {font-size: 1em; font-weight: bold;} th {text-align: left; padding: 0 1em;} td {padding: 0 1em;} a {text-decoration: none;}</style>";

const headOf = (site: Site, { path, prefix }: ListingPlace): { label: string; head: string } => {
  const label = escapeMarkup(site.label === "" ? path : `${site.label}/${path.split("/").slice(4).join("/")}`);
  const style = site.css === "" ? STYLE : `<link rel="stylesheet" type="text/css" href="${cssPath(site.css, prefix)}">`;
  return {
    label,
    head: `<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>Listing of ${label}</title>\n${style}\n</head>\n`,
  };
};

const cssPath = (css: string, prefix: string): string =>
  escapeMarkup(
    /^(\/|https?:\/\/)/.test(css) ? quote(css, ":/") : "../".repeat(prefix.split("/").length - 1) + quote(css),
  );

export function listingPage(site: Site, place: ListingPlace, entries: Page<ListedObject>["entries"]): string {
  const { label, head } = headOf(site, place);
  const { prefix, query, top } = place;
  let rows = "";
  if (prefix.length > top.length) rows += row("item parent", link(`../${query}`, "../"), "&nbsp;", "&nbsp;");
  for (const entry of entries)
    if ("prefix" in entry) {
      const name = entry.prefix.slice(prefix.length);
      rows += row("item subdir", link(hrefOf(name, query), name), "&nbsp;", "&nbsp;");
    }
  for (const entry of entries) if (!("prefix" in entry)) rows += objectRow(entry, prefix, query);
  return (
    `${head}<body>\n<h1 id="title">Listing of ${label}</h1>\n<table id="listing">\n` +
    '<tr id="heading"><th class="colname">Name</th><th class="colsize">Size</th><th class="coldate">Date</th></tr>\n' +
    `${rows}</table>\n</body>\n</html>\n`
  );
}

function objectRow(object: ListedObject, prefix: string, query: string): string {
  const name = object.key.slice(prefix.length);
  const types = object.contentType.split("/").map((part) => `type-${escapeMarkup(part.toLowerCase())}`);
  const date = toIsoTime(object.modifiedAt).slice(0, 19).replace("T", " ");
  return row(`item ${types.join(" ")}`, link(hrefOf(name, query), name), readable(listedSize(object)), date);
}

const row = (kind: string, name: string, size: string, date: string): string =>
  `<tr class="${kind}"><td class="colname">${name}</td><td class="colsize">${size}</td><td class="coldate">${date}</td></tr>\n`;
const link = (href: string, name: string): string => `<a href="${escapeMarkup(href)}">${escapeMarkup(name)}</a>`;
// dots are written out, so that no name is taken for "the directory above"
const hrefOf = (name: string, query: string): string => `./${quote(name).replaceAll(".", "%2E")}${query}`;

const UNITS = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
export function readable(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1023.5 && unit < UNITS.length - 1; unit += 1) value /= 1024;
  return `${Math.round(value)}${UNITS[unit] ?? ""}`;
}

/** In the place of a listing that is not to be seen. */
export function noListingPage(site: Site, place: ListingPlace): string {
  const missing =
    site.index === ""
      ? ""
      : `<h1>Index File Not Found</h1><p>The owner of this web site has set <b>X-Container-Meta-Web-Index: ${escapeMarkup(site.index)}</b>. However, this file is not found.</p>`;
  return (
    `${headOf(site, place).head}<body><h1>Web Listing Disabled</h1><p>The owner of this web site has disabled web listing.</p>` +
    "<p>If you are the owner of this web site, you can enable web listing by setting X-Container-Meta-Web-Listings.</p>" +
    `${missing}</body>\n</html>\n`
  );
}
