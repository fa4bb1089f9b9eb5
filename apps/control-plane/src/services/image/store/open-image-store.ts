import type { Logger } from "@andromede/base/log";
import { installationName, readRootKey } from "@andromede/platform/keys/root-key";
import { type S3Place, openS3Place } from "@andromede/s3-client/place";

import { openFileStore } from "./file-store.ts";
import type { ImageStore } from "./image-store.ts";
import { openS3Store } from "./s3-store.ts";

export type ImageStoreConfig =
  | { driver: "files"; directory: string }
  /** `directory`: where bytes are on their way in, and copies for those who need a file: hosts, qemu-img. */
  | ({ driver: "s3"; directory: string; cacheBytes?: number } & S3Place);

/** Copies that nobody uses go when there are more than this. */
const CACHE_BYTES = 20 * 1024 ** 3;

export type OpenStoreOptions = { config: ImageStoreConfig; rootKeyFile: string; log: Logger };

/** Opens the store that the configuration names. Asks nothing of anybody yet. */
export function openImageStore({ config, rootKeyFile, log }: OpenStoreOptions): ImageStore {
  if (config.driver === "files") return openFileStore(config.directory);
  return openS3Store({
    directory: config.directory,
    cacheBytes: config.cacheBytes ?? CACHE_BYTES,
    client: openS3Place(config),
    owner: installationName(readRootKey(rootKeyFile)),
    log,
  });
}
