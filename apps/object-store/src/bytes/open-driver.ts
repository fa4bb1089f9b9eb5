import { invalid } from "@andromede/base/errors";

import type { Driver, DriverConfig } from "./driver.ts";
import { openFileDriver } from "./fs-driver.ts";

/** Each thread opens its own. */
export function openDriver(config: DriverConfig): Driver {
  if (config.driver === "fs") return openFileDriver(config.directory);
  throw invalid("bytes in an S3 server are not served yet");
}
