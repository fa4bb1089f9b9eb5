import type { Driver, DriverConfig } from "./driver.ts";
import { openFileDriver } from "./fs-driver.ts";
import { openS3Driver } from "./s3-driver.ts";

/** Each thread opens its own. */
export const openDriver = (config: DriverConfig): Driver =>
  config.driver === "fs" ? openFileDriver(config.directory) : openS3Driver(config);
