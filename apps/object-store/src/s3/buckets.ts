/** Which container does a bucket's name mean? docs/rfd/0011-object-store.md, "Names". */
import type { Container } from "../namespace/container.model.ts";
import type { Call } from "./call.ts";
import { s3Error } from "./errors.ts";

/** `<project id>:<name>`, the actor's own, or one of the claimed names. */
export async function findBucket(call: Call, name: string): Promise<Container | null> {
  const { namespace } = call.store;
  const colon = name.indexOf(":");
  if (colon > 0) return namespace.findContainer(name.slice(0, colon), name.slice(colon + 1));
  const projectId = call.caller.actor?.projectId ?? null;
  const own = projectId === null ? null : await namespace.findContainer(projectId, name);
  return own ?? namespace.findGlobalContainer(name);
}

/** Throws NoSuchBucket. */
export async function getBucket(call: Call, name: string): Promise<Container> {
  const container = await findBucket(call, name);
  if (container === null) throw s3Error("NoSuchBucket");
  return container;
}
