/** `/v1/{account}`: how much is in it, what it is called, which containers it has. */
import { listingFormat, listingRange } from "../listings/listing.params.ts";
import { containersListing } from "../listings/listing.view.ts";
import { authorize } from "../acl/caller.ts";
import { assertProject } from "../acl/project-exists.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { openKeys, sealKeys } from "../temp-url/keys.ts";
import { assertMetadataFits, readMetadataChange } from "../wire/metadata.ts";
import type { Reply } from "../wire/reply.ts";
import { QUOTA_METADATA, readAccountQuotas } from "./account-quota.ts";
import { accountHeaders } from "./account.view.ts";

/** GET and HEAD. An account that nobody has used yet is empty. */
export async function readAccount(request: SwiftRequest): Promise<Reply> {
  const { store, projectId, method } = request;
  const access = await enterAccount(request);
  const format = listingFormat(request.query, request.headers);
  const [account, usage] = await Promise.all([
    store.namespace.account(projectId),
    store.namespace.accountUsage(projectId),
  ]);
  const metadata = access === "owner" ? await openKeys(store, projectId, account.metadata) : account.metadata;
  const headers = accountHeaders({ ...account, metadata }, usage, access);
  headers["Content-Type"] = `${format}; charset=utf-8`;
  if (request.query["format"] === undefined) headers["Vary"] = "Accept";
  if (method === "HEAD") return { status: 204, headers };
  const range = listingRange(request.query);
  const page = range.limit === 0 ? { entries: [] } : await store.namespace.listContainers(projectId, range);
  const body = containersListing(page.entries, format, request.account);
  return body === "" ? { status: 204, headers } : { status: 200, headers, body };
}

export async function updateAccount(request: SwiftRequest): Promise<Reply> {
  const { store, projectId, headers, caller } = request;
  await enterAccount(request);
  const quotas = readAccountQuotas(headers, caller.isReseller);
  const metadata = readMetadataChange(headers, "account");
  delete metadata[QUOTA_METADATA];
  const before = await store.namespace.account(projectId);
  assertMetadataFits(await openKeys(store, projectId, before.metadata), metadata);
  if (Object.keys(metadata).length > 0 || Object.keys(quotas).length > 0) {
    const sealed = await sealKeys(store, projectId, metadata);
    await store.namespace.updateAccount(request.origin, projectId, { metadata: sealed, ...quotas });
  }
  return { status: 204, headers: {} };
}

async function enterAccount(request: SwiftRequest): Promise<"owner" | "granted"> {
  const { projectId, method } = request;
  const access = await authorize(request, { projectId, container: null, level: "account", method });
  await assertProject(request);
  return access;
}
