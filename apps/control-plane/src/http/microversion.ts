import type { IncomingHttpHeaders } from "node:http";

import { CloudError, invalid } from "@andromede/base/errors";

import type { Microversions } from "./service.ts";

/**
 * Which microversion a request asks for (OpenStack API-SIG "Microversion Specification"): the service's own
 * header or `OpenStack-API-Version: <type> X.Y`, `latest` meaning the newest. Malformed: 400; outside the range: 406.
 */
export function negotiateVersion(versions: Microversions, headers: IncomingHttpHeaders): number {
  const asked = askedVersion(versions, headers);
  if (asked === undefined) return versions.default;
  if (asked === "latest") return versions.max;
  const match = /^(\d+)\.(\d+)$/.exec(asked);
  if (match === null)
    throw invalid(`API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major !== versions.major || minor < versions.min || minor > versions.max) {
    throw new CloudError(
      "invalid",
      `Version ${asked} is not supported by the API. Minimum is ${versions.major}.${versions.min} and maximum is ${versions.major}.${versions.max}.`,
      { status: 406 },
    );
  }
  return minor;
}

function askedVersion(versions: Microversions, headers: IncomingHttpHeaders): string | undefined {
  const modern = headers["openstack-api-version"];
  if (typeof modern === "string") {
    for (const part of modern.split(",")) {
      const [type, version] = part.trim().split(/\s+/);
      if (type === versions.serviceType && version !== undefined) return version;
    }
  }
  const legacy = versions.legacyHeader === undefined ? undefined : headers[versions.legacyHeader];
  return typeof legacy === "string" ? legacy.trim() : undefined;
}

/** What the answer says about versions. */
export function versionHeaders(versions: Microversions, minor: number): { [name: string]: string } {
  const version = `${versions.major}.${minor}`;
  const legacy = versions.legacyHeader;
  return {
    "openstack-api-version": `${versions.serviceType} ${version}`,
    vary: legacy === undefined ? "OpenStack-API-Version" : `OpenStack-API-Version, ${legacy}`,
    ...(legacy === undefined ? {} : { [legacy]: version }),
  };
}
