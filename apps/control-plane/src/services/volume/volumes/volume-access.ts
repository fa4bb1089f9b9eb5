/** Volumes as their owner, or an operator, may touch them. */
import { type CloudError, invalid, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import type { Volume } from "./volume.model.ts";
import { findVolume, lockVolume } from "./volume.queries.ts";

export const noVolume = (id: string): CloudError => notFound(`Volume ${id} could not be found.`);

/** Cinder's `InvalidVolume`. */
export const invalidVolume = (reason: string): CloudError => invalid(`Invalid volume: ${reason}`);

export async function getVolume(request: ApiRequest, id: string): Promise<Volume> {
  const volume = await findVolume(request.app.db, id, scopeOf(request));
  if (volume === null) throw noVolume(id);
  return volume;
}

/** The same, held until the transaction ends. */
export async function holdVolume(sql: Queryable, request: ApiRequest, id: string): Promise<Volume> {
  const volume = await lockVolume(sql, id, scopeOf(request));
  if (volume === null) throw noVolume(id);
  return volume;
}

export const volumeTarget = (volume: Pick<Volume, "id" | "projectId">) => ({
  type: "volume",
  id: volume.id,
  projectId: volume.projectId,
});
