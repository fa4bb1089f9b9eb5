/** What programs and the system say about volumes, in words for a customer. */
import { CloudError, invalid, noCapacity, unavailable } from "@andromede/base/errors";

import { ProgramError } from "../jail/run.ts";

/** `what`: e.g. "volume 1234". A CloudError is one already. */
export function inWords(error: unknown, what: string): unknown {
  if (error instanceof CloudError) return error;
  const said = error instanceof ProgramError ? error.stderr : error instanceof Error ? error.message : "";
  if ((error as NodeJS.ErrnoException).code === "ENOSPC" || said.includes("No space left on device"))
    return noCapacity(`The host has no space left for ${what}`, { cause: error });
  if (isLocked(error)) return unavailable(`The ${what} is in use by another host or operation`, { cause: error });
  if (said.includes("output file is smaller than input file"))
    return invalid(`What ${what} is to be made from is larger than it`, { cause: error });
  if (isWrongKey(said)) return invalid(`A key that was given for ${what} is not the right one`, { cause: error });
  if (said.includes("Parameter 'encrypt.key-secret' is required") || said.includes("No encryption in image"))
    return invalid(`The key that was given for ${what} does not fit how it is encrypted`, { cause: error });
  return error;
}

const isWrongKey = (said: string): boolean =>
  said.includes("Invalid password") || said.includes("cannot unlock any keyslot");

/** The image was not even opened; nothing was done. */
export const isRefused = (error: unknown): boolean =>
  isLocked(error) || (error instanceof ProgramError && isWrongKey(error.stderr));

/** Somebody else has the image open; nothing was done. */
export const isLocked = (error: unknown): boolean =>
  error instanceof ProgramError && /Failed to get (shared )?"\w+" lock/.test(error.stderr);

/** The message for a report: a CloudError's own, or one that says nothing of the host's insides. */
export function faultOf(error: unknown, otherwise: string): string {
  return error instanceof CloudError && error.kind !== "internal" ? error.message : otherwise;
}

/** May it pass by itself? */
export const isTransient = (error: unknown): boolean =>
  !(error instanceof CloudError) || error.kind === "unavailable" || error.kind === "internal";
