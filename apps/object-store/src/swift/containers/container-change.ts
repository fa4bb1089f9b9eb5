/** What PUT and POST of a container say, from its headers. Pure. */
import type { IncomingHttpHeaders } from "node:http";

import { forbidden, invalid } from "@andromede/base/errors";

import type { Container } from "../../namespace/container.model.ts";
import type { ContainerChange } from "../../namespace/namespace.ts";
import { parseQuota } from "../accounts/account-quota.ts";
import { cleanAcl, isPublic, parseAcl } from "../acl/acl.model.ts";
import { STORAGE_POLICY } from "../limits.ts";
import { assertMetadataFits, readMetadataChange } from "../wire/metadata.ts";
import { refusal } from "../wire/refusal.ts";
import { headerText, isTrue, unquote } from "../wire/text.ts";

type Settings = NonNullable<ContainerChange["settings"]>;

/** `before` null: it is made. */
export function readContainerChange(headers: IncomingHttpHeaders, before: Container | null): ContainerChange {
  const metadata = readMetadataChange(headers, "container");
  const change: ContainerChange = {};
  for (const [name, member, message] of [
    ["quota-bytes", "quotaBytes", "Invalid bytes quota."],
    ["quota-count", "quotaObjects", "Invalid count quota."],
  ] as const) {
    const value = metadata[name];
    if (value !== undefined) change[member] = parseQuota(value ?? "", message);
    delete metadata[name];
  }
  assertMetadataFits(before?.metadata ?? {}, metadata);
  const settings: Settings = { ...readAcls(headers, before), ...readVersioning(headers, before) };
  if (Object.keys(metadata).length > 0) change.metadata = metadata;
  if (Object.keys(settings).length > 0) change.settings = settings;
  return change;
}

export const isEmptyChange = (change: ContainerChange): boolean => Object.keys(change).length === 0;

/** There is one policy. Its name may be said, no other. */
export function checkStoragePolicy(headers: IncomingHttpHeaders): void {
  const name = headers["x-storage-policy"];
  if (typeof name !== "string" || name === "" || name.toLowerCase() === STORAGE_POLICY.toLowerCase()) return;
  throw invalid(`Invalid X-Storage-Policy '${headerText(name) ?? ""}'`);
}

function readAcls(headers: IncomingHttpHeaders, before: Container | null): Settings {
  const settings: Settings = {};
  for (const [kind, member] of [
    ["read", "readAcl"],
    ["write", "writeAcl"],
  ] as const) {
    const value = headers[`x-container-${kind}`];
    if (headers[`x-remove-container-${kind}`] !== undefined) settings[member] = null;
    else if (typeof value === "string") {
      const text = headerText(value);
      if (text === null) throw invalid("ACLs must be valid UTF-8");
      const acl = cleanAcl(kind, text);
      // set through S3, and as good here
      if (before?.settings.publicAccessBlock?.blockPublicAcls === true && isPublic(parseAcl(acl)))
        throw forbidden("The container's public access block forbids public ACLs");
      settings[member] = acl || null;
    }
  }
  return settings;
}

/** Three kinds, of which a container has one: where overwritten objects go (and come back from), where all goes, or S3's. */
function readVersioning(headers: IncomingHttpHeaders, before: Container | null): Settings {
  const settings = readLocations(headers);
  const isVersioned = before?.settings.versioning !== undefined;
  const enabled = one(headers["x-versions-enabled"]);
  if (enabled === undefined) {
    if (isVersioned && (settings.versionsLocation || settings.historyLocation))
      throw invalid("Cannot use the legacy versioned writes feature on a container with object versioning.");
    return settings;
  }
  if (hasLocation(settings, before))
    throw invalid(
      "Cannot enable object versioning on a container that is already using the legacy versioned writes feature.",
    );
  // what never had versions needs no word for having none
  if (isTrue(enabled) || isVersioned) settings.versioning = isTrue(enabled) ? "enabled" : "suspended";
  return settings;
}

function readLocations(headers: IncomingHttpHeaders): Settings {
  const stack = one(headers["x-versions-location"]);
  const history = one(headers["x-history-location"]);
  if (stack && history) throw invalid("Only one of x-versions-location or x-history-location may be specified");
  if (stack) return { versionsLocation: locationOf(stack), historyLocation: null };
  if (history) return { historyLocation: locationOf(history), versionsLocation: null };
  return isRemoved(headers, stack, history) ? { versionsLocation: null, historyLocation: null } : {};
}

const one = (value: string | string[] | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

const isRemoved = (headers: IncomingHttpHeaders, stack: string | undefined, history: string | undefined): boolean =>
  stack === "" ||
  history === "" ||
  headers["x-remove-versions-location"] !== undefined ||
  headers["x-remove-history-location"] !== undefined;

function hasLocation(settings: Settings, before: Container | null): boolean {
  const versions =
    settings.versionsLocation === undefined ? before?.settings.versionsLocation : settings.versionsLocation;
  const history = settings.historyLocation === undefined ? before?.settings.historyLocation : settings.historyLocation;
  return Boolean(versions) || Boolean(history);
}

function locationOf(value: string): string {
  const name = unquote(value);
  if (name === null || name === "") throw refusal(412, "Container name cannot be empty");
  if (name.includes("/")) throw refusal(412, "Container name cannot contain slashes");
  return name;
}
