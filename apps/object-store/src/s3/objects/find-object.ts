/** An object for a request: found, and found to be the caller's to use. */
import type { StoredObject } from "../../namespace/object.model.ts";
import { type Target, isPermitted, versioned } from "../authorize/access.ts";
import type { Action } from "../authorize/decide.ts";
import { type BucketCall, type ObjectCall, isVersioned, versionIdOf } from "../call.ts";
import { s3Error } from "../errors.ts";

type Wanted = { key: string; versionId?: string | undefined };

/**
 * Throws AccessDenied, NoSuchKey, NoSuchVersion or MethodNotAllowed (a delete marker). Who may not list is not told what
 * is not there.
 */
export async function getObjectFor(
  call: BucketCall,
  action: Action,
  wanted: Wanted,
  target: Pick<Target, "container"> = {},
): Promise<StoredObject> {
  const container = target.container ?? call.container;
  const { key, versionId } = wanted;
  const { namespace } = call.store;
  const object = await namespace.findObject(container, key, versionId);
  const named = versioned(action, versionId);
  if (object === null) {
    if (!isPermitted(call, "s3:ListBucket", target)) throw s3Error("AccessDenied");
    if (versionId !== undefined) throw s3Error("NoSuchVersion");
    if (isVersioned(container)) await tellOfDeleteMarker(call, key, target);
    throw s3Error("NoSuchKey");
  }
  if (!isPermitted(call, named, { ...target, key, object })) throw s3Error("AccessDenied");
  if (object.isDeleteMarker) {
    const { response } = call.exchange;
    response.setHeader("x-amz-delete-marker", "true");
    response.setHeader("x-amz-version-id", object.versionId);
    response.setHeader("last-modified", object.modifiedAt.toUTCString());
    response.setHeader("allow", "DELETE");
    throw s3Error("MethodNotAllowed");
  }
  return object;
}

async function tellOfDeleteMarker(call: BucketCall, key: string, target: Pick<Target, "container">): Promise<void> {
  const marker = await call.store.namespace.findDeleteMarker(target.container ?? call.container, key);
  if (marker === null || target.container !== undefined) return;
  call.exchange.response.setHeader("x-amz-delete-marker", "true");
  call.exchange.response.setHeader("x-amz-version-id", marker.versionId);
}

/** The object that the path names, in the version the query names. */
export const getNamedObject = (call: ObjectCall, action: Action): Promise<StoredObject> =>
  getObjectFor(call, action, { key: call.key, versionId: versionIdOf(call) });
