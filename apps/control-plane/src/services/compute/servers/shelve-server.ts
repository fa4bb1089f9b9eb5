/** A server that is put away: its disk becomes an image, and its host is free of it until it is wanted again. */
import { conflict, forbidden, invalid } from "@andromede/base/errors";

import { allows } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { bootImageById } from "../../image/public.ts";
import { findHost, listZones } from "../hosts/host.queries.ts";
import { ruleNamed } from "../policy.ts";
import { createSnapshotImage } from "../snapshots/describe-image.ts";
import { type Held, beginTask, withServer } from "./begin-task.ts";
import type { NamedImage } from "./server.model.ts";
import type { TaskChange } from "./task.queries.ts";

export async function shelveServer(request: ApiRequest, id: string): Promise<void> {
  const allowed = { word: "shelve", vmStates: ["active", "stopped", "paused", "suspended"] } as const;
  await withServer(request, id, allowed, async (held) => {
    const { tx, server } = held;
    const image = {
      name: `${server.name}-shelved`.slice(0, 255),
      type: "snapshot",
      userId: request.actor.userId,
      properties: {},
    } as const;
    // what is on a volume stays there
    const shelvedImageId = server.image === null ? null : await createSnapshotImage(tx, server, image);
    await beginTask(request, held, { task: "shelving", step: "stop", action: "shelve", change: { shelvedImageId } });
  });
}

export async function offloadServer(request: ApiRequest, id: string): Promise<void> {
  await withServer(request, id, { word: "shelveOffload", vmStates: ["shelved"] }, (held) =>
    beginTask(request, held, { task: "shelving_offloading", step: "offload", action: "shelveOffload" }),
  );
}

/** `zone` null: wherever there is room from now on; undefined: where it was asked to be. */
export type UnshelveWish = { zone?: string | null; host?: string };

export async function unshelveServer(request: ApiRequest, id: string, wish: UnshelveWish): Promise<void> {
  const allowed = { word: "unshelve", vmStates: ["shelved", "shelved_offloaded"] } as const;
  await withServer(request, id, allowed, async (held) => {
    const { server } = held;
    const isAway = server.mode === "shelved_offloaded";
    if (!isAway && (wish.zone !== undefined || wish.host !== undefined)) {
      throw conflict(
        `Specifying an availability zone or a host when unshelving server ${id} with status "${server.mode}" is not supported. The server status must be SHELVED_OFFLOADED.`,
      );
    }
    const change: TaskChange = { power: "running" };
    if (isAway) Object.assign(change, await checkPlace(request, held, wish), { diskImage: await shelvedDisk(held) });
    await beginTask(request, held, {
      task: "unshelving",
      step: isAway ? "place" : "apply",
      action: "unshelve",
      change,
    });
  });
}

async function checkPlace(request: ApiRequest, { tx, server }: Held, wish: UnshelveWish): Promise<TaskChange> {
  const zone = wish.zone === undefined ? server.wantedZone : wish.zone;
  if (typeof wish.zone === "string") {
    const zones = await listZones(tx.sql);
    if (!zones.some((one) => one.zone === wish.zone && one.available))
      throw invalid("The requested availability zone is not available");
  }
  if (wish.host === undefined) return { wantedZone: zone, wantedHost: null };
  const rule = "os_compute_api:os-shelve:unshelve_to_host";
  if (!allows(ruleNamed(rule).role, request.actor, request.plane))
    throw forbidden(`Policy doesn't allow ${rule} to be performed.`);
  const host = await findHost(tx.sql, { name: wish.host });
  if (host === null) throw invalid(`Compute host ${wish.host} could not be found.`);
  if (zone !== null && host.availabilityZone !== zone)
    throw conflict(`Host "${wish.host}" is not in the availability zone "${zone}".`);
  return { wantedZone: zone, wantedHost: wish.host };
}

async function shelvedDisk({ tx, server }: Held): Promise<NamedImage | null> {
  if (server.shelvedImageId === null) return null;
  const image = await bootImageById(tx.sql, server.shelvedImageId);
  if (image === null) throw invalid(`Image ${server.shelvedImageId} could not be found.`);
  const { id, sha512, format, sizeBytes } = image;
  return { id, sha512, format, sizeBytes };
}
