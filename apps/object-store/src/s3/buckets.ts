/** Which container does a bucket's name mean? docs/rfd/0011-object-store.md, "Names". */
import type { Container } from "../namespace/container.model.ts";
import type { Call } from "./call.ts";
import { s3Error } from "./errors.ts";

/** `<project id>:<name>`, the actor's own, or one of the claimed names. `key`: an object of it that is asked for next. */
export async function findBucket(call: Call, name: string, key?: string): Promise<Container | null> {
  const { namespace } = call.store;
  const colon = name.indexOf(":");
  if (colon > 0) return namespace.findContainer(name.slice(0, colon), name.slice(colon + 1), key);
  const projectId = call.caller.actor?.projectId ?? null;
  return namespace.findBucket(projectId, name, key);
}

/** Throws NoSuchBucket. */
export async function getBucket(call: Call, name: string): Promise<Container> {
  const container = await findBucket(call, name);
  if (container === null) throw s3Error("NoSuchBucket");
  return container;
}
