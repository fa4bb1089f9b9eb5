import type { Config } from "../../../config.ts";

/** `web-download` only where the operator named hosts. `copy-image` copies between stores, of which there is one. */
export const importMethods = (config: Pick<Config, "image">): string[] =>
  (config.image?.webDownloadHosts ?? []).length === 0 ? ["glance-direct"] : ["glance-direct", "web-download"];
