import type { Microversions } from "../../../http/service.ts";

/** 2.1 to 2.93 (OpenStack Zed is 2.93); no header means 2.1. */
export const MICROVERSIONS: Microversions = {
  serviceType: "compute",
  major: 2,
  min: 1,
  max: 93,
  default: 1,
  legacyHeader: "x-openstack-nova-api-version",
};
