/** Object lock: the bucket's configuration, retentions and legal holds, as headers and as XML. Enforced by the namespace. */
import type { OutgoingHttpHeaders } from "node:http";

import type { ContainerSettings } from "../../namespace/container.model.ts";
import type { ObjectDetails } from "../../namespace/object.model.ts";
import { s3Error } from "../errors.ts";
import { type XmlElement, child, childText } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";

export type Retention = NonNullable<ObjectDetails["retention"]>;
type ObjectLock = NonNullable<ContainerSettings["objectLock"]>;
type HeaderOf = (name: string) => string | undefined;

const MODES = ["GOVERNANCE", "COMPLIANCE"] as const;
type Mode = (typeof MODES)[number];
/** A hundred years: Amazon's limit. */
const MAX_DAYS = 36_500;

const modeOf = (text: string | undefined): Mode => {
  const mode = MODES.find((each) => each === text);
  if (mode === undefined) throw s3Error("InvalidArgument", "Unknown wormMode directive");
  return mode;
};

/** A time in the future, as ISO 8601. */
function untilOf(text: string, nowMs: number): string {
  const time = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw s3Error("InvalidArgument", "The retain until date must be provided in ISO 8601 format");
  if (time <= nowMs) throw s3Error("InvalidArgument", "The retain until date must be in the future!");
  return new Date(time).toISOString();
}

export type Lock = Pick<ObjectDetails, "retention" | "legalHold">;

/** What the headers of a write say; what a bucket does by default is the namespace's to add. */
export function readLock(header: HeaderOf, bucket: ObjectLock | undefined, nowMs: number): Lock {
  const mode = header("x-amz-object-lock-mode");
  const until = header("x-amz-object-lock-retain-until-date");
  const hold = header("x-amz-object-lock-legal-hold");
  if ((mode !== undefined || until !== undefined || hold !== undefined) && bucket === undefined)
    throw s3Error("InvalidRequest", "Bucket is missing Object Lock Configuration");
  if ((mode === undefined) !== (until === undefined))
    throw s3Error(
      "InvalidArgument",
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
    );
  const lock: Lock = {};
  if (until !== undefined) lock.retention = { mode: modeOf(mode), until: untilOf(until, nowMs) };
  if (hold !== undefined) lock.legalHold = parseHold(hold);
  return lock;
}

function parseHold(text: string | undefined): boolean {
  if (text !== "ON" && text !== "OFF") throw s3Error("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'");
  return text === "ON";
}

export function parseLegalHold(root: XmlElement): boolean {
  const status = childText(root, "Status");
  if (root.name !== "LegalHold" || (status !== "ON" && status !== "OFF")) throw s3Error("MalformedXML");
  return status === "ON";
}

/** null: an empty one, which takes a retention away where that may be. */
export function parseRetention(root: XmlElement, nowMs: number): Retention | null {
  if (root.name !== "Retention") throw s3Error("MalformedXML");
  const mode = childText(root, "Mode");
  const until = childText(root, "RetainUntilDate");
  if (mode === undefined && until === undefined) return null;
  if (mode === undefined || until === undefined || !MODES.includes(mode as Mode)) throw s3Error("MalformedXML");
  return { mode: modeOf(mode), until: untilOf(until, nowMs) };
}

export function parseObjectLock(root: XmlElement): ObjectLock {
  if (root.name !== "ObjectLockConfiguration" || childText(root, "ObjectLockEnabled") !== "Enabled")
    throw s3Error("MalformedXML");
  const rule = child(root, "Rule");
  if (rule === undefined) return {};
  const byDefault = child(rule, "DefaultRetention");
  if (byDefault === undefined) throw s3Error("MalformedXML");
  const mode = MODES.find((each) => each === childText(byDefault, "Mode"));
  const days = childText(byDefault, "Days");
  const years = childText(byDefault, "Years");
  if (mode === undefined || (days === undefined) === (years === undefined)) throw s3Error("MalformedXML");
  const count = Number(days ?? years);
  const most = days === undefined ? MAX_DAYS / 365 : MAX_DAYS;
  if (!Number.isInteger(count) || count < 1 || count > most) throw s3Error("InvalidRetentionPeriod");
  return { default: days === undefined ? { mode, years: count } : { mode, days: count } };
}

export function objectLockDocument({ default: byDefault }: ObjectLock): string {
  const rule =
    byDefault === undefined
      ? ""
      : wrap(
          "Rule",
          wrap(
            "DefaultRetention",
            tag("Mode", byDefault.mode) + tag("Days", byDefault.days) + tag("Years", byDefault.years),
          ),
        );
  return xmlDocument("ObjectLockConfiguration", tag("ObjectLockEnabled", "Enabled") + rule);
}

export const retentionDocument = ({ mode, until }: Retention): string =>
  xmlDocument("Retention", tag("Mode", mode) + tag("RetainUntilDate", until));

export const legalHoldDocument = (on: boolean): string => xmlDocument("LegalHold", tag("Status", on ? "ON" : "OFF"));

export function lockHeaders(headers: OutgoingHttpHeaders, { retention, legalHold }: Lock): void {
  if (retention !== undefined) {
    headers["x-amz-object-lock-mode"] = retention.mode;
    headers["x-amz-object-lock-retain-until-date"] = retention.until;
  }
  if (legalHold !== undefined) headers["x-amz-object-lock-legal-hold"] = legalHold ? "ON" : "OFF";
}
