/** What a container or account is after a change. Pure. */
import { conflict } from "@andromede/base/errors";

import type { Container, ContainerSettings } from "./container.model.ts";
import type { Account, AccountChange, ContainerChange } from "./namespace.ts";

type Map = { [name: string]: string };

/** null takes a member away. */
function merged<Value>(was: { [name: string]: Value }, change: { [name: string]: Value | null | undefined } = {}) {
  const next = new Map(Object.entries(was));
  for (const [name, value] of Object.entries(change)) {
    if (value === null) next.delete(name);
    else if (value !== undefined) next.set(name, value);
  }
  return Object.fromEntries(next) as { [name: string]: Value };
}

export const planAccount = (account: Account, change: AccountChange): Account => ({
  ...account,
  metadata: merged(account.metadata, change.metadata),
  quotaBytes: change.quotaBytes === undefined ? account.quotaBytes : change.quotaBytes,
  quotaObjects: change.quotaObjects === undefined ? account.quotaObjects : change.quotaObjects,
});

type Told = Pick<Container, "settings" | "quotaBytes" | "quotaObjects"> & { metadata: Map };

/** Throws `conflict` where the change would take a promise back. */
export function planContainer<Was extends Told>(was: Was, change: ContainerChange): Was {
  return {
    ...was,
    metadata: merged(was.metadata, change.metadata),
    settings: planSettings(was.settings, change.settings ?? {}),
    quotaBytes: change.quotaBytes === undefined ? was.quotaBytes : change.quotaBytes,
    quotaObjects: change.quotaObjects === undefined ? was.quotaObjects : change.quotaObjects,
  };
}

function planSettings(was: ContainerSettings, change: NonNullable<ContainerChange["settings"]>): ContainerSettings {
  const next: ContainerSettings = merged(was, change);
  // once there were versions, there may be some for ever
  if (was.versioning !== undefined && next.versioning === undefined) next.versioning = "suspended";
  if (was.objectLock !== undefined && next.objectLock === undefined)
    throw conflict("Object lock cannot be turned off", { type: "InvalidBucketState" });
  if (next.objectLock !== undefined && next.versioning !== "enabled")
    throw conflict("Object lock needs versioning, which cannot be suspended while it is on", {
      type: "InvalidBucketState",
    });
  return next;
}
