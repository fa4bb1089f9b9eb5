/** A server made anew under its name, id and addresses: another image or the same, and whatever else is said. */
import { conflict, forbidden, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { ApiRequest } from "../../../http/service.ts";
import { type BootImage, imageForBoot } from "../../image/public.ts";
import { checkReimageOfServer, findVolume } from "../../volume/public.ts";
import type { Keypair } from "../keypairs/keypair.model.ts";
import { findKeypair } from "../keypairs/keypair.queries.ts";
import { findUsage } from "../quotas/project.queries.ts";
import { quotaOf } from "../quotas/quota.model.ts";
import { rootVolumeOf } from "../volumes/server-disk.model.ts";
import { lockServerDisks } from "../volumes/server-disk.queries.ts";
import { type Held, beginTask, withServer } from "./begin-task.ts";
import { checkImage, checkMemory, refuseImage } from "./create-server.ts";
import type { Server, ServerChanges } from "./server.model.ts";
import { findServer } from "./server.queries.ts";
import { rootGibOf } from "./server.model.ts";
import type { TaskChange } from "./task.queries.ts";
import { rebuildsVolume } from "./volume-backed.model.ts";

/** Members that are absent stay as they are. */
export type Rebuild = {
  imageId: string;
  adminPassword: string;
  preserveEphemeral: boolean;
  keyName?: string | null;
  userData?: string | null;
  changes: Omit<ServerChanges, "tags" | "lockedBy" | "lockedReason">;
};

export async function rebuildServer(request: ApiRequest, id: string, wanted: Rebuild): Promise<Server> {
  const { app, actor, plane } = request;
  const allowed = { word: "rebuild", vmStates: ["active", "stopped", "error"] } as const;
  const [image, keypair] = await Promise.all([
    imageForBoot(app.db, { actor, plane }, wanted.imageId).then(
      (found): BootImage | Error => found,
      (error: unknown) => error as Error,
    ),
    typeof wanted.keyName === "string" ? findKeypair(app.db, actor.userId, wanted.keyName) : null,
  ]);
  await withServer(request, id, allowed, async (held) => {
    const { server } = held;
    if (image instanceof Error) return refuseImage(image, wanted.imageId);
    if (typeof wanted.keyName === "string" && keypair === null) throw invalid("Invalid key_name provided.");
    const disk = server.image === null ? await toVolume(request, held, image) : toOwnDisk(server, image);
    await checkMetadata(held, wanted);
    const change = { ...(await toChange(request, held, wanted)), ...disk, ...toKey(wanted, keypair) };
    await beginTask(request, held, { task: "rebuilding", step: "stop", action: "rebuild", change });
  });
  const server = await findServer(app.db, id);
  if (server === null) throw new Error(`server ${id} went right after its rebuild began`);
  return server;
}

async function checkMetadata({ tx, server }: Held, { changes }: Rebuild): Promise<void> {
  if (changes.metadata === undefined) return;
  const limit = quotaOf((await findUsage(tx.sql, server.projectId)).quota).metadata_items;
  if (limit >= 0 && Object.keys(changes.metadata).length > limit)
    throw forbidden(`Maximum number of metadata items exceeds ${limit}`);
}

const toKey = ({ keyName }: Rebuild, keypair: Keypair | null): TaskChange =>
  keyName === undefined
    ? {}
    : { keyName: keypair?.name ?? null, keyType: keypair?.type ?? null, publicKey: keypair?.publicKey ?? null };

function toOwnDisk(server: Server, image: BootImage): TaskChange {
  checkImage(image, { ...server.flavor, diskGib: rootGibOf(server) });
  const { id, sha512, format, sizeBytes } = image;
  return { imageId: id, image: { sha512, format, sizeBytes }, diskImage: null, diskNonce: newUuid() };
}

/** The volume that the server boots from is made anew, or its image is that very one. */
async function toVolume({ version }: ApiRequest, { tx, server }: Held, image: BootImage): Promise<TaskChange> {
  checkMemory(image, server.flavor);
  const { volumeId } = rootVolumeOf(await lockServerDisks(tx.sql, server.id)) ?? {};
  if (volumeId === undefined) throw conflict(`Instance ${server.id} has no volume to boot from.`);
  if (rebuildsVolume(version)) {
    await checkReimageOfServer(tx, volumeId, image);
    return { reimageId: image.id };
  }
  const volume = await findVolume(tx.sql, { projectId: null, volumeId });
  if (volume?.imageMetadata?.["image_id"] === image.id) return { reimageId: null };
  throw invalid(
    `Image ${image.id} is unacceptable: Unable to rebuild with a different image for a volume-backed server.`,
  );
}

async function toChange({ app }: ApiRequest, { tx, server }: Held, wanted: Rebuild): Promise<TaskChange> {
  const password = Buffer.from(wanted.adminPassword);
  const adminPassword = server.configDrive
    ? await app.keys.wrapForProject(tx.sql, server.projectId, password, `server-password/${server.id}`)
    : null;
  return {
    ...wanted.changes,
    ...(wanted.preserveEphemeral ? {} : { ephemeralNonce: newUuid() }),
    ...(wanted.userData === undefined ? {} : { userData: wanted.userData }),
    adminPassword,
  };
}
