import { forbidden, notFound, tooLarge } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { checkVisibility, lockOwnImage } from "./image-access.ts";
import { type Change, type PatchDialect, applyPatch } from "./image-patch.ts";
import type { Image } from "./image.model.ts";
import { checkCounts, checkName, checkValue, isWritable } from "./image-properties.ts";
import { imageLimits } from "./image.limits.ts";
import { updateImage } from "./image.queries.ts";
import { lockRemainingBytes } from "./upload.queries.ts";

type Request = Pick<ApiRequest, "app" | "actor" | "plane" | "origin">;

export async function patchImage(
  request: Request,
  id: string,
  dialect: PatchDialect,
  changes: Change[],
): Promise<Image> {
  return transact(request.app, request.origin, async (tx) => {
    const before = await lockOwnImage(tx.sql, request, id, "modify_image");
    if (changes.length === 0) return before;
    const after = applyPatch(before, dialect, changes, { changeOwner: isAdmin(request.actor, request.plane) });
    checkVisibility(request, before.visibility, after.visibility);
    if (after.projectId !== null && after.projectId !== before.projectId && before.sizeBytes !== null) {
      const { projectBytes } = imageLimits(request.app.config);
      const room = await lockRemainingBytes(tx.sql, after.projectId, projectBytes, { except: id });
      if (before.sizeBytes > room)
        throw tooLarge("Denying attempt to give the image away because it exceeds the quota of its new owner");
    }
    const image = await updateImage(tx.sql, id, after);
    tx.event({
      action: "image.image.update",
      target: { type: "image", id, projectId: before.projectId },
      detail: { changed: changes.map(({ name }) => name).slice(0, 128) },
    });
    return image;
  });
}

/** The customers' own properties, all of them: `change` sees what they are under the lock and says what they become. */
export async function changeImageProperties(
  request: Request,
  id: string,
  change: (current: Image["properties"]) => Image["properties"],
): Promise<Image["properties"]> {
  return transact(request.app, request.origin, async (tx) => {
    const image = await lockOwnImage(tx.sql, request, id, "modify_image");
    const properties = change(image.properties);
    for (const [name, value] of Object.entries(properties)) {
      if (isWritable(name)) throw forbidden(`Property ${name} is not one of the image's own.`);
      checkName(name);
      checkValue(name, value);
    }
    checkCounts({ tags: image.tags, properties });
    await updateImage(tx.sql, id, { ...image, properties });
    tx.event({
      action: "image.image.update",
      target: { type: "image", id, projectId: image.projectId },
      detail: { changed: Object.keys(properties).slice(0, 128) },
    });
    return properties;
  });
}

/** Idempotent. */
export async function addTag(request: Request, id: string, tag: string): Promise<void> {
  await changeTags(request, id, tag, (tags) => (tags.includes(tag) ? tags : [...tags, tag]));
}

export async function removeTag(request: Request, id: string, tag: string): Promise<void> {
  await changeTags(request, id, tag, (tags) => {
    if (!tags.includes(tag)) throw notFound(`Image ${id} has no tag ${tag}.`);
    return tags.filter((one) => one !== tag);
  });
}

async function changeTags(
  request: Request,
  id: string,
  tag: string,
  change: (tags: string[]) => string[],
): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const image = await lockOwnImage(tx.sql, request, id, "modify_image");
    const tags = change(image.tags);
    checkCounts({ tags, properties: image.properties });
    await updateImage(tx.sql, id, { ...image, tags });
    tx.event({
      action: "image.image.update",
      target: { type: "image", id, projectId: image.projectId },
      detail: { changed: ["tags"], tag },
    });
  });
}
