/** `/info`: what this Swift can do, as clients and tests ask it. Pure. */
import { LIMITS, STORAGE_POLICY } from "../limits.ts";
import { ALLOWED_DIGESTS, FORBIDDEN_HEADERS, SIGNABLE } from "../temp-url/temp-url.model.ts";

/** The version of Swift whose behaviour this is. */
const VERSION = "2.35.0";

export const infoBody = (): string =>
  JSON.stringify({
    swift: {
      version: VERSION,
      strict_cors_mode: true,
      policies: [{ name: STORAGE_POLICY, aliases: STORAGE_POLICY, default: true }],
      allow_account_management: false,
      account_autocreate: true,
      allow_open_expired: false,
      max_file_size: LIMITS.maxFileSize,
      max_meta_name_length: LIMITS.metaName,
      max_meta_value_length: LIMITS.metaValue,
      max_meta_count: LIMITS.metaCount,
      max_meta_overall_size: LIMITS.metaOverall,
      max_header_size: LIMITS.header,
      max_request_line: LIMITS.requestLine,
      max_object_name_length: LIMITS.objectName,
      container_listing_limit: LIMITS.listing,
      account_listing_limit: LIMITS.listing,
      max_account_name_length: LIMITS.accountName,
      max_container_name_length: LIMITS.containerName,
      extra_header_count: 0,
      valid_api_versions: ["v1"],
      auto_create_account_prefix: ".",
    },
    account_quotas: {},
    container_quotas: {},
    bulk_upload: {
      max_containers_per_extraction: LIMITS.bulkContainers,
      max_failed_extractions: LIMITS.bulkFailures,
    },
    bulk_delete: { max_deletes_per_request: LIMITS.bulkDeletes, max_failed_deletes: LIMITS.bulkFailures },
    slo: {
      max_manifest_segments: LIMITS.sloSegments,
      max_manifest_size: LIMITS.sloManifestBytes,
      yield_frequency: 10,
      min_segment_size: 1,
      allow_async_delete: false,
    },
    dlo: {},
    tempurl: {
      methods: [...SIGNABLE],
      incoming_remove_headers: ["x-timestamp"],
      incoming_allow_headers: [],
      outgoing_remove_headers: ["x-object-meta-*"],
      outgoing_allow_headers: ["x-object-meta-public-*"],
      allowed_digests: ALLOWED_DIGESTS,
      disallowed_headers: FORBIDDEN_HEADERS,
    },
    formpost: { allowed_digests: ALLOWED_DIGESTS },
    versioned_writes: { allowed_flags: ["x-versions-location", "x-history-location"] },
    object_versioning: {},
    symlink: { symloop_max: LIMITS.symlinks, static_links: true },
    staticweb: {},
    cors: {},
  });
