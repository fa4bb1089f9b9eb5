import type { Microversions } from "../../../http/service.ts";

/** 3.0 to 3.70 (OpenStack 2023.1 is 3.70); no header means 3.0. */
export const MICROVERSIONS: Microversions = { serviceType: "volume", major: 3, min: 0, max: 70, default: 0 };
