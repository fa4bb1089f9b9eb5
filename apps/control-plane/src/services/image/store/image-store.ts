/**
 * Where image bytes are: `<imageStoreDir>/<image id>.<upload id>`, complete and fsynced, readable by our user;
 * `<imageStoreDir>/incoming/` holds uploads under way. A file belongs to the row that names its upload, or to nobody.
 */
import { join } from "node:path";

import type { Config } from "../../../config.ts";

/** The file of an upload that is complete. */
export const imagePath = (config: Pick<Config, "imageStoreDir">, imageId: string, uploadId: string): string =>
  join(config.imageStoreDir, `${imageId}.${uploadId}`);
