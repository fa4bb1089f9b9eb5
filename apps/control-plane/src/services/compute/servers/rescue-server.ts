/** A server whose own disk does not boot any more is started from another, with its own as the second one. */
import { CloudError, invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { type BootImage, imageForBoot } from "../../image/public.ts";
import { findVolume } from "../../volume/public.ts";
import { rootVolumeOf } from "../volumes/server-disk.model.ts";
import { listServerDisks } from "../volumes/server-disk.queries.ts";
import { beginTask, withServer } from "./begin-task.ts";
import { getServer } from "./read-servers.ts";
import type { Rescue, Server } from "./server.model.ts";
import { isStableRescue, mayRescueVolume } from "./volume-backed.model.ts";

/** `imageId` null: the image that the server, or the volume it boots from, was made from. */
export async function rescueServer(
  request: ApiRequest,
  id: string,
  wanted: { imageId: string | null; adminPassword: string },
): Promise<void> {
  const seen = await getServer(request, id);
  const imageId = wanted.imageId ?? (await ownImageOf(request, seen));
  const image = imageId === null ? null : await findRescueImage(request, imageId);
  const allowed = { word: "rescue", vmStates: ["active", "stopped", "error"] } as const;
  await withServer(request, id, allowed, async (held) => {
    if (image === null || (held.server.image === null && !mayRescueVolume(request.version, image.properties)))
      throw invalid(`Instance ${id} cannot be rescued: Cannot rescue a volume-backed instance`);
    const { sha512, format, sizeBytes } = image;
    const password = await wrapPassword(request, held, wanted.adminPassword);
    const stable = isStableRescue(image.properties);
    const rescue: Rescue = { image: { id: image.id, sha512, format, sizeBytes }, password, stable };
    const change = { rescue, power: "running" } as const;
    await beginTask(request, held, { task: "rescuing", step: "stop", action: "rescue", change });
  });
}

async function ownImageOf({ app }: ApiRequest, server: Server): Promise<string | null> {
  if (server.imageId !== "") return server.imageId;
  const { volumeId } = rootVolumeOf(await listServerDisks(app.db, server.id)) ?? {};
  if (volumeId === undefined) return null;
  return (await findVolume(app.db, { projectId: null, volumeId }))?.imageMetadata?.["image_id"] ?? null;
}

async function findRescueImage({ app, actor, plane }: ApiRequest, imageId: string): Promise<BootImage> {
  try {
    return await imageForBoot(app.db, { actor, plane }, imageId);
  } catch (cause) {
    if (!(cause instanceof CloudError)) throw cause;
    throw invalid(`Requested rescue image '${imageId}' is not supported`, { cause });
  }
}

/** Only a config drive carries it to the guest. */
async function wrapPassword(
  { app }: ApiRequest,
  { tx, server }: { tx: { sql: Parameters<ApiRequest["app"]["keys"]["wrapForProject"]>[0] }; server: Server },
  password: string,
): Promise<string | null> {
  if (!server.configDrive) return null;
  const wrapped = await app.keys.wrapForProject(
    tx.sql,
    server.projectId,
    Buffer.from(password),
    `server-password/${server.id}`,
  );
  return wrapped.toString("base64");
}

export async function unrescueServer(request: ApiRequest, id: string): Promise<void> {
  await withServer(request, id, { word: "unrescue", vmStates: ["rescued"] }, (held) =>
    beginTask(request, held, {
      task: "unrescuing",
      step: "stop",
      action: "unrescue",
      change: { power: "running" },
    }),
  );
}
