/** What may be how long and how many: the defaults of Swift's `[swift-constraints]`, which clients read from /info. */

export const LIMITS = {
  maxFileSize: 5_368_709_122,
  metaName: 128,
  metaValue: 256,
  metaCount: 90,
  metaOverall: 4096,
  header: 8192,
  requestLine: 8192,
  accountName: 256,
  containerName: 256,
  objectName: 1024,
  listing: 10_000,
  /** Links that are followed from one name. */
  symlinks: 2,
  sloSegments: 1000,
  sloManifestBytes: 8 * 1024 * 1024,
  sloDepth: 10,
  bulkDeletes: 10_000,
  bulkFailures: 1000,
  bulkContainers: 10_000,
} as const;

/** The one storage policy there is. */
export const STORAGE_POLICY = "Standard";

/** What Swift writes as the content type of a version that says "deleted here". */
export const DELETE_MARKER_TYPE = "application/x-deleted;swift_versions_deleted=1";
