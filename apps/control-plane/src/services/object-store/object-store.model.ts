/** What an export of object storage shows. */
import type { AccountRow, ContainerRow, ObjectRow } from "./object-store.queries.ts";

/** Keys of temporary URLs are secrets, and kept among what an account or container was told. */
const withoutKeys = <Value>(told: { [name: string]: Value }): { [name: string]: Value } =>
  Object.fromEntries(Object.entries(told).filter(([name]) => !/^temp-?url-?keys?/i.test(name)));

export const accountExport = (account: AccountRow): { [key: string]: unknown } => ({
  metadata: withoutKeys(account.metadata),
  quota_bytes: account.quotaBytes,
  quota_objects: account.quotaObjects,
  created_at: account.createdAt.toISOString(),
});

export const containerExport = (container: ContainerRow): { [key: string]: unknown } => ({
  name: container.name,
  ...accountExport(container),
  settings: withoutKeys(container.settings),
  objects: container.objects,
  bytes: container.bytes,
  created_by: container.createdBy,
});

export const objectExport = (object: ObjectRow): { [key: string]: unknown } => ({
  key: object.key,
  size: object.size,
  etag: object.etag,
  content_type: object.contentType,
  modified_at: object.modifiedAt.toISOString(),
  metadata: object.metadata ?? {},
});
