/** The image row of a snapshot: what Nova writes of a server into the image it makes of it. */
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import { createMadeImage, imageTraits } from "../../image/public.ts";
import { type Server, rootGibOf } from "../servers/server.model.ts";

/** Of the image below: not passed on to images made of it (Nova's non_inheritable_image_properties, and signatures). */
const OF_ITS_OWN =
  /^(cache_in_nova|bittorrent|img_signature.*|instance_uuid|user_id|backup_type|image_type|base_image_ref)$/;

export type SnapshotImage = {
  name: string;
  type: "snapshot" | "backup";
  userId: string;
  /** The customer's own properties. */
  properties: { [name: string]: string };
};

/** Makes the row, `queued`, and returns its id. */
export async function createSnapshotImage(tx: Transaction, server: Server, wanted: SnapshotImage): Promise<string> {
  const base = await imageTraits(tx.sql, server.imageId);
  const inherited = Object.fromEntries(
    Object.entries(base?.properties ?? {}).filter(([name]) => !OF_ITS_OWN.test(name)),
  );
  const id = newUuid();
  const rootGib = rootGibOf(server);
  await createMadeImage(tx, {
    id,
    projectId: server.projectId,
    name: wanted.name,
    diskFormat: "qcow2",
    containerFormat: "bare",
    visibility: "private",
    minRam: base?.minRam ?? 0,
    minDisk: rootGib === 0 ? (base?.minDisk ?? 0) : rootGib,
    properties: {
      ...inherited,
      instance_uuid: server.id,
      user_id: wanted.userId,
      image_type: wanted.type,
      base_image_ref: server.imageId,
      ...wanted.properties,
    },
  });
  return id;
}

/** The copy of a disk on its way between hosts: nobody's, and gone when it is there. */
export async function createMovingImage(tx: Transaction, server: Server): Promise<string> {
  const id = newUuid();
  await createMadeImage(tx, {
    id,
    projectId: null,
    name: `${server.id}-moving`,
    diskFormat: "qcow2",
    containerFormat: "bare",
    visibility: "private",
    minRam: 0,
    minDisk: 0,
    properties: {},
  });
  return id;
}
