/** Listings in Swift's three formats. A page has up to 10,000 entries: text is put together, no tree is built. Pure. */
import type { ListedObject, Namespace, Page } from "../../namespace/namespace.ts";
import { DELETE_MARKER_TYPE, STORAGE_POLICY } from "../limits.ts";
import { toIsoTime } from "../wire/http-date.ts";
import { escapeMarkup, quote } from "../wire/text.ts";
import type { ListingFormat } from "./listing.params.ts";

export type ListedContainer = Exclude<
  Awaited<ReturnType<Namespace["listContainers"]>>["entries"][number],
  { prefix: string }
>;
type Entries<Item> = Page<Item>["entries"];

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';
const isPrefix = <Item extends object>(entry: Item | { prefix: string }): entry is { prefix: string } =>
  "prefix" in entry;

export function containersListing(entries: Entries<ListedContainer>, format: ListingFormat, account: string): string {
  if (format === "text/plain") return lines(entries, (container) => container.name);
  if (format === "application/json") return array(entries, containerJson);
  let xml = `${XML}<account name="${escapeMarkup(account)}">\n`;
  for (const entry of entries)
    xml += isPrefix(entry) ? `<subdir name="${escapeMarkup(entry.prefix)}" />\n` : containerXml(entry);
  return `${xml}</account>`;
}

const containerJson = ({ name, objects, bytes, updatedAt }: ListedContainer): string =>
  `{"name":${JSON.stringify(name)},"count":${objects},"bytes":${bytes},"last_modified":"${toIsoTime(updatedAt)}","storage_policy":"${STORAGE_POLICY}"}`;

const containerXml = ({ name, objects, bytes, updatedAt }: ListedContainer): string =>
  `<container><name>${escapeMarkup(name)}</name><count>${objects}</count><bytes>${bytes}</bytes>` +
  `<last_modified>${toIsoTime(updatedAt)}</last_modified><storage_policy>${STORAGE_POLICY}</storage_policy></container>\n`;

/** `account`: `/v1/AUTH_…`, for the paths of links. */
export function objectsListing(
  entries: Entries<ListedObject>,
  format: ListingFormat,
  where: { account: string; container: string },
): string {
  if (format === "text/plain") return lines(entries, (object) => object.key);
  if (format === "application/json") return array(entries, (object) => objectJson(object, where.account));
  let xml = `${XML}<container name="${escapeMarkup(where.container)}">`;
  for (const entry of entries) {
    if (!isPrefix(entry)) xml += objectXml(entry);
    else {
      const name = escapeMarkup(entry.prefix);
      xml += `<subdir name="${name}"><name>${name}</name></subdir>`;
    }
  }
  return `${xml}</container>`;
}

/** What it adds up to, for a static large object. */
export const listedSize = (object: ListedObject): number => object.slo?.size ?? object.size;

function objectJson(object: ListedObject, account: string): string {
  let json = `{"bytes":${listedSize(object)},"content_type":${JSON.stringify(object.contentType)},"hash":"${object.etag}"`;
  json += `,"last_modified":"${toIsoTime(object.modifiedAt)}","name":${JSON.stringify(object.key)}`;
  if (object.slo !== undefined) json += `,"slo_etag":"\\"${object.slo.etag}\\""`;
  if (object.symlink !== undefined) {
    const { account: other, container, object: key, etag } = object.symlink;
    const owner = other === "" ? account : `/v1/${other}`;
    json += `,"symlink_path":${JSON.stringify(`${owner}/${quote(container)}/${quote(key)}`)}`;
    if (etag !== undefined) json += `,"symlink_etag":${JSON.stringify(etag)}`;
  }
  return `${json}}`;
}

const objectXml = (object: ListedObject): string =>
  `<object><name>${escapeMarkup(object.key)}</name><hash>${object.etag}</hash><bytes>${listedSize(object)}</bytes>` +
  `<content_type>${escapeMarkup(object.contentType)}</content_type>` +
  `<last_modified>${toIsoTime(object.modifiedAt)}</last_modified></object>`;

/** JSON only, as Swift: every version, deletions too. */
export function versionsListing(entries: Entries<ListedObject>): string {
  return array(entries, (object) => {
    const type = object.isDeleteMarker ? DELETE_MARKER_TYPE : object.contentType;
    return (
      `{"bytes":${listedSize(object)},"content_type":${JSON.stringify(type)},"hash":"${object.etag}"` +
      `,"is_latest":${object.isLatest},"last_modified":"${toIsoTime(object.modifiedAt)}"` +
      `,"name":${JSON.stringify(object.key)},"version_id":${JSON.stringify(object.versionId)}}`
    );
  });
}

function lines<Item extends object>(entries: Entries<Item>, nameOf: (item: Item) => string): string {
  let text = "";
  for (const entry of entries) text += `${isPrefix(entry) ? entry.prefix : nameOf(entry)}\n`;
  return text;
}

function array<Item extends object>(entries: Entries<Item>, show: (item: Item) => string): string {
  let json = "[";
  for (const entry of entries) {
    if (json.length > 1) json += ",";
    json += isPrefix(entry) ? `{"subdir":${JSON.stringify(entry.prefix)}}` : show(entry);
  }
  return `${json}]`;
}
