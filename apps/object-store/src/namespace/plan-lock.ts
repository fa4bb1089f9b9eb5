/** Object lock: what may not be deleted or changed, and until when. Pure. */
import { forbidden, invalid } from "@andromede/base/errors";

import type { ContainerSettings } from "./container.model.ts";
import type { ObjectDetails } from "./object.model.ts";

type Locked = Pick<ObjectDetails, "retention" | "legalHold">;
type Retention = NonNullable<ObjectDetails["retention"]>;

const denied = () => forbidden("Access Denied because object protected by object lock.", { type: "AccessDenied" });

const isActive = (retention: Retention | undefined, nowMs: number): retention is Retention =>
  retention !== undefined && Date.parse(retention.until) > nowMs;

/** May this version go? Nobody's rights go over a legal hold, or a retention in COMPLIANCE. */
export function isProtected(details: Locked, at: { nowMs: number; bypassGovernance: boolean }): boolean {
  if (details.legalHold === true) return true;
  if (!isActive(details.retention, at.nowMs)) return false;
  return details.retention.mode === "COMPLIANCE" || !at.bypassGovernance;
}

export function checkRemovable(details: Locked, at: { nowMs: number; bypassGovernance: boolean }): void {
  if (isProtected(details, at)) throw denied();
}

/** A retention may be made longer by who may set one at all; never shorter or weaker, but for GOVERNANCE with leave. */
export function checkRetention(
  was: Retention | undefined,
  next: Retention | undefined,
  at: { nowMs: number; bypassGovernance: boolean },
): void {
  if (next !== undefined && Number.isNaN(Date.parse(next.until)))
    throw invalid("The retain until date is no date", { type: "InvalidArgument" });
  if (!isActive(was, at.nowMs)) return;
  const isLonger = next !== undefined && Date.parse(next.until) >= Date.parse(was.until);
  if (isLonger && (next.mode === "COMPLIANCE" || was.mode === "GOVERNANCE")) return;
  if (was.mode === "GOVERNANCE" && at.bypassGovernance) return;
  throw denied();
}

/** Locks are for containers that have them switched on; there, what comes without one gets the container's. */
export function lockedBy(settings: ContainerSettings, details: ObjectDetails, nowMs: number): ObjectDetails {
  const { objectLock } = settings;
  if (objectLock === undefined) {
    if (details.retention === undefined && details.legalHold === undefined) return details;
    throw invalid("Bucket is missing Object Lock Configuration", { type: "InvalidRequest" });
  }
  const rule = objectLock.default;
  if (rule === undefined || details.retention !== undefined) return details;
  const until = new Date(nowMs);
  until.setUTCDate(until.getUTCDate() + (rule.days ?? 0));
  until.setUTCFullYear(until.getUTCFullYear() + (rule.years ?? 0));
  return { ...details, retention: { mode: rule.mode, until: until.toISOString() } };
}
