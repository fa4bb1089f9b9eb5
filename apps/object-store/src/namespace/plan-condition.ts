/** Conditions on what is there now (RFC 9110, section 13; S3's conditional writes). Pure. */
import { conflict, notFound } from "@andromede/base/errors";

import type { Precondition } from "./object.model.ts";

type Seen = { etag: string; modifiedAt: Date };

const failed = () =>
  conflict("At least one of the pre-conditions you specified did not hold", {
    type: "PreconditionFailed",
    status: 412,
  });

/** Throws what the client is told when a condition does not hold; `there` null: nothing that anybody could see. */
export function checkCondition(there: Seen | null, condition: Precondition | undefined): void {
  if (condition === undefined) return;
  checkTags(there, condition);
  if (there === null) return;
  const { ifModifiedSince, ifUnmodifiedSince } = condition;
  const seconds = Math.floor(there.modifiedAt.getTime() / 1000);
  if (ifUnmodifiedSince !== undefined && seconds > Math.floor(ifUnmodifiedSince.getTime() / 1000)) throw failed();
  if (ifModifiedSince !== undefined && seconds <= Math.floor(ifModifiedSince.getTime() / 1000)) throw failed();
}

function checkTags(there: Seen | null, { ifMatch, ifNoneMatch }: Precondition): void {
  const names = (tags: string[]): boolean => there !== null && (tags.includes("*") || tags.includes(there.etag));
  // S3: a condition on what is not there is not answered by 412
  if (ifMatch !== undefined && there === null)
    throw notFound("The specified key does not exist.", { type: "NoSuchKey" });
  if (ifMatch !== undefined && !names(ifMatch)) throw failed();
  if (ifNoneMatch !== undefined && names(ifNoneMatch)) throw failed();
}
