/** ListObjects, ListObjectsV2, ListObjectVersions, ListBuckets. */
import type { Container } from "../../namespace/container.model.ts";
import type { ListRange, Page } from "../../namespace/namespace.ts";
import { sendXml } from "../answer.ts";
import { assertPermitted } from "../authorize/access.ts";
import type { BucketCall, Call } from "../call.ts";
import { s3Error } from "../errors.ts";
import { queryInteger } from "../query.ts";
import { ownerXml } from "../settings/acl.view.ts";
import { isEncoded } from "../uploads/uploads.handlers.ts";
import { isoTime, tag, wrap, xmlDocument } from "../xml/write.ts";
import { type ListingHead, lastName, listDocument, listV2Document, versionsDocument } from "./listing.view.ts";

const MAX_KEYS = 1000;

type Asked = { range: ListRange; prefix: string; delimiter: string; limit: number };

function readRange({ query }: Call, marker: string): Asked {
  const limit = Math.min(queryInteger(query, "max-keys", { min: 0, max: 2 ** 31 - 1, otherwise: MAX_KEYS }), MAX_KEYS);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const range: ListRange = { limit };
  for (const text of [prefix, delimiter, marker])
    if (text.includes("\0")) throw s3Error("InvalidArgument", "No key has the character NUL");
  if (prefix !== "") range.prefix = prefix;
  if (delimiter !== "") range.delimiter = delimiter;
  if (marker !== "") range.marker = marker;
  return { range, prefix, delimiter, limit };
}

const NOTHING = { entries: [], truncated: false };

function headOf(call: BucketCall, { prefix, delimiter, limit }: Asked, page: Page<ListingEntry>): ListingHead {
  const { bucket, container } = call;
  return { bucket, owner: container.projectId, prefix, delimiter, limit, isEncoded: isEncoded(call), ...page };
}
type ListingEntry = Exclude<ListingHead["entries"][number], { prefix: string }>;

export async function listObjects(call: BucketCall): Promise<void> {
  assertPermitted(call, "s3:ListBucket");
  const marker = call.query.get("marker") ?? "";
  const asked = readRange(call, marker);
  const page = asked.limit === 0 ? NOTHING : await call.store.namespace.listObjects(call.container, asked.range);
  sendXml(call, listDocument(headOf(call, asked, page), marker));
}

/** What a token says is ours to change: a client only brings it back. */
const toToken = (name: string): string => Buffer.from(`1${name}`).toString("base64url");

function fromToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString();
  if (!text.startsWith("1") || toToken(text.slice(1)) !== token)
    throw s3Error("InvalidArgument", "The continuation token provided is incorrect");
  return text.slice(1);
}

export async function listObjectsV2(call: BucketCall): Promise<void> {
  if (call.query.get("list-type") !== "2") return listObjects(call);
  assertPermitted(call, "s3:ListBucket");
  const { query } = call;
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after") ?? "";
  const asked = readRange(call, token === undefined || token === "" ? startAfter : fromToken(token));
  const page = asked.limit === 0 ? NOTHING : await call.store.namespace.listObjects(call.container, asked.range);
  const last = page.truncated ? lastName(page.entries) : undefined;
  const more = {
    startAfter,
    token,
    nextToken: last === undefined ? undefined : toToken(last),
    fetchesOwner: query.get("fetch-owner")?.toLowerCase() === "true",
  };
  sendXml(call, listV2Document(headOf(call, asked, page), more));
}

export async function listVersions(call: BucketCall): Promise<void> {
  assertPermitted(call, "s3:ListBucketVersions");
  const key = call.query.get("key-marker") ?? "";
  const version = call.query.get("version-id-marker") ?? "";
  if (version !== "" && key === "")
    throw s3Error("InvalidArgument", "A version-id marker cannot be specified without a key marker.");
  const asked = readRange(call, key);
  const sequenceMarker = version === "" ? undefined : await sequenceOf(call, key, version);
  const range = sequenceMarker === undefined ? asked.range : { ...asked.range, sequenceMarker };
  const page = asked.limit === 0 ? NOTHING : await call.store.namespace.listVersions(call.container, range);
  sendXml(call, versionsDocument(headOf(call, asked, page), { key, version }));
}

/** Our own marker says the sequence: the version itself may have been deleted since, page by page. */
async function sequenceOf(call: BucketCall, key: string, marker: string): Promise<number> {
  const match = /^(\d{1,15})\./.exec(marker);
  if (match !== null) return Number(match[1]);
  const version = await call.store.namespace.findObject(call.container, key, marker);
  if (version === null) throw s3Error("InvalidArgument", "Invalid version id specified");
  return version.sequence;
}

const MAX_BUCKETS = 10_000;

export async function listBuckets(call: Call): Promise<void> {
  const { actor } = call.caller;
  const projectId = actor?.projectId ?? null;
  if (actor === null || projectId === null) throw s3Error("AccessDenied");
  const { query } = call;
  const limit = queryInteger(query, "max-buckets", { min: 1, max: MAX_BUCKETS, otherwise: MAX_BUCKETS });
  const token = query.get("continuation-token");
  const prefix = query.get("prefix") ?? "";
  const { found, truncated } = await collect(call, projectId, {
    limit,
    prefix,
    marker: token === undefined || token === "" ? "" : fromToken(token),
  });
  const last = found.at(-1);
  const region = call.store.config.region;
  const buckets = found.map(({ name, createdAt }) =>
    wrap("Bucket", tag("Name", name) + tag("CreationDate", isoTime(createdAt)) + tag("BucketRegion", region)),
  );
  const body =
    ownerXml(projectId) +
    wrap("Buckets", buckets.join("")) +
    (prefix === "" ? "" : tag("Prefix", prefix)) +
    (truncated && last !== undefined ? tag("ContinuationToken", toToken(last.name)) : "");
  sendXml(call, xmlDocument("ListAllMyBucketsResult", body));
}

type Listed = Pick<Container, "name" | "createdAt">;

async function collect(
  call: Call,
  projectId: string,
  asked: { limit: number; prefix: string; marker: string },
): Promise<{ found: Listed[]; truncated: boolean }> {
  const found: Listed[] = [];
  let { marker } = asked;
  for (;;) {
    const range: ListRange = { limit: Math.min(1000, asked.limit - found.length) };
    if (asked.prefix !== "") range.prefix = asked.prefix;
    if (marker !== "") range.marker = marker;
    const page = await call.store.namespace.listContainers(projectId, range);
    for (const entry of page.entries) if ("name" in entry) found.push(entry);
    marker = found.at(-1)?.name ?? "";
    if (!page.truncated || page.entries.length === 0 || found.length >= asked.limit)
      return { found, truncated: page.truncated };
  }
}
