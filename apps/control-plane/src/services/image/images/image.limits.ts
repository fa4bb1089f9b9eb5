import type { Config } from "../../../config.ts";

const TIB = 1024 ** 4;

export type ImageLimits = { maxBytes: number; maxVirtualBytes: number; projectBytes: number };

/** Generous unless the operator says otherwise: Glance's image_size_cap is 1 TiB too. */
export function imageLimits(config: Pick<Config, "image">): ImageLimits {
  return { maxBytes: TIB, maxVirtualBytes: 4 * TIB, projectBytes: TIB, ...config.image };
}
