/** Keystone's option `immutable`: a guard against slips. Whoever may change the thing may take it away, and says so. Pure. */
import { forbidden } from "@andromede/base/errors";

import type { ImmutableOption } from "./identity.schema.ts";

type Guarded = { id: string; immutable: boolean };

/** A change that takes the guard away may change other things too, as Keystone. */
export function assertMutable(kind: string, thing: Guarded, options?: ImmutableOption): void {
  const lifted = options !== undefined && "immutable" in options && options.immutable !== true;
  if (thing.immutable && !lifted) {
    throw forbidden(
      `Cannot perform this operation on the ${kind} ${thing.id}: it is immutable. Set the option immutable to false first.`,
    );
  }
}

export const isImmutableAfter = (before: Guarded, options: ImmutableOption | undefined): boolean =>
  options?.immutable === undefined ? before.immutable : options.immutable === true;
