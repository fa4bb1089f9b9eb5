/** What is done to a group after it was made: names, who is in it, its end. */
import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import { listVolumeSnapshots } from "../snapshots/snapshot.queries.ts";
import { startDeletion } from "../volumes/delete-volume.ts";
import { invalidVolume } from "../volumes/volume-access.ts";
import type { Volume } from "../volumes/volume.model.ts";
import { lockVolume } from "../volumes/volume.queries.ts";
import { type Group, type GroupStatus, groupTarget, invalidGroup } from "./group.model.ts";
import {
  countGroupUses,
  findGroup,
  listGroupVolumes,
  lockGroup,
  setGroupNames,
  setGroupStatus,
  setVolumesGroup,
} from "./group.queries.ts";
import { noGroup } from "./place-in-group.ts";

export async function getGroup(request: ApiRequest, id: string): Promise<Group> {
  const group = await findGroup(request.app.db, id, scopeOf(request));
  if (group === null) throw noGroup(id);
  return group;
}

function change(
  request: ApiRequest,
  id: string,
  work: (tx: Transaction, group: Group, at: Date) => Promise<void>,
): Promise<void> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const group = await lockGroup(tx.sql, id, scopeOf(request));
    if (group === null) throw noGroup(id);
    await work(tx, group, new Date(app.clock.now()));
  });
}

export type UpdateGroup = {
  name?: string | null;
  description?: string | null;
  add: readonly string[];
  remove: readonly string[];
};

export const updateGroup = (request: ApiRequest, id: string, wanted: UpdateGroup): Promise<void> =>
  change(request, id, async (tx, group, at) => {
    const both = wanted.add.filter((volumeId) => wanted.remove.includes(volumeId));
    if (both.length > 0) throw invalidVolume(`UUIDs ${both.join(", ")} are in both add and remove volume list.`);
    const members = new Set((await listGroupVolumes(tx.sql, [id])).map((volume) => volume.id));
    const add = wanted.add.filter((volumeId) => !members.has(volumeId));
    const stranger = wanted.remove.find((volumeId) => !members.has(volumeId));
    if (stranger !== undefined) {
      throw invalidVolume(`Cannot remove volume ${stranger} from group ${id} because it is not in the group.`);
    }
    const names = {
      name: wanted.name === undefined ? group.name : wanted.name,
      description: wanted.description === undefined ? group.description : wanted.description,
    };
    const isSame = names.name === group.name && names.description === group.description;
    if (isSame && add.length === 0 && wanted.remove.length === 0) {
      throw invalidGroup(
        `Cannot update group ${id} because no valid name, description, add_volumes, or remove_volumes were provided.`,
      );
    }
    if (add.length + wanted.remove.length > 0) await regroup(tx, group, { add, remove: wanted.remove, at });
    await setGroupNames(tx.sql, id, names, at);
    tx.event({
      action: "volume.group.update",
      target: groupTarget(group),
      detail: { name: names.name, added: [...add], removed: [...wanted.remove] },
    });
  });

type Regrouping = { add: readonly string[]; remove: readonly string[]; at: Date };

async function regroup(tx: Transaction, group: Group, { add, remove, at }: Regrouping): Promise<void> {
  if (group.status !== "available") throw invalidGroup("Group status must be available.");
  for (const volumeId of [...new Set([...add, ...remove])].toSorted()) {
    const volume = await lockVolume(tx.sql, volumeId, null);
    if (add.includes(volumeId)) checkMayEnter(group, volumeId, volume);
    else checkMayLeave(group, volume);
  }
  await setVolumesGroup(tx.sql, add, group.id, at);
  await setVolumesGroup(tx.sql, remove, null, at);
}

const ENTER = ["available", "in-use"];
const LEAVE = ["available", "in-use", "error", "error_deleting"];

/** Somebody else's volume is not found, like one that does not exist. */
function checkMayEnter(group: Group, volumeId: string, volume: Volume | null): void {
  const refuse = (why: string): Error => invalidVolume(`Cannot add volume ${volumeId} to group ${group.id} ${why}`);
  if (volume === null || volume.projectId !== group.projectId) throw refuse("because volume cannot be found.");
  if (volume.groupId !== null) throw refuse(`because it is already in group ${volume.groupId}.`);
  if (!group.volumeTypeIds.includes(volume.volumeTypeId)) {
    throw refuse(`because volume type ${volume.volumeTypeId} is not supported by the group.`);
  }
  if (volume.deleting || !ENTER.includes(volume.status)) {
    throw refuse(
      `because volume is in an invalid state: ${volume.status}. Valid states are: ('${ENTER.join("', '")}').`,
    );
  }
}

function checkMayLeave(group: Group, volume: Volume | null): void {
  if (volume === null || volume.groupId !== group.id || volume.deleting || !LEAVE.includes(volume.status)) {
    throw invalidVolume(
      `Cannot remove volume ${volume?.id ?? ""} from group ${group.id} because volume is in an invalid state: ${volume?.status ?? "deleting"}. Valid states are: ('${LEAVE.join("', '")}').`,
    );
  }
}

/** `withVolumes`: they go too, whatever the group's status. */
export const deleteGroup = (request: ApiRequest, id: string, withVolumes: boolean): Promise<void> =>
  change(request, id, async (tx, group) => {
    if (!withVolumes && !["available", "error", "error_deleting"].includes(group.status)) {
      throw invalidGroup(`Group status must be available or error, but current status is: ${group.status}`);
    }
    const uses = await countGroupUses(tx.sql, { groupId: id });
    if (uses.snapshots > 0) throw invalidGroup("Group has existing snapshots.");
    if (uses.copies > 0) {
      throw invalidGroup(`Cannot delete group ${id}. It is the source for an ongoing group creation.`);
    }
    const volumes = await listGroupVolumes(tx.sql, [id]);
    if (volumes.length > 0 && !withVolumes) {
      throw invalidGroup(`Group ${id} still contains volumes. The delete-volumes flag is required to delete it.`);
    }
    const held: Volume[] = [];
    for (const { id: volumeId } of volumes) {
      const volume = await lockVolume(tx.sql, volumeId, null);
      if (volume === null) continue;
      await checkMayGo(tx, group, volume);
      held.push(volume);
    }
    await startGroupDeletion(request.app, tx, group, { volumes: held, cascade: false });
  });

async function checkMayGo(tx: Transaction, group: Group, volume: Volume): Promise<void> {
  if (volume.attachments.some(({ status }) => status !== "reserved")) {
    throw invalidGroup(`Volume in group ${group.id} is attached. Need to detach first.`);
  }
  const snapshots = await listVolumeSnapshots(tx.sql, volume.id);
  if (snapshots.length > 0 && !volume.deleting) throw invalidGroup("Volume in group still has dependent snapshots.");
}

/** The caller holds the group and the volumes. The row goes when the last of them is gone. */
async function startGroupDeletion(
  app: Pick<App, "clock">,
  tx: Transaction,
  group: Group,
  { volumes, cascade }: { volumes: readonly Volume[]; cascade: boolean },
): Promise<void> {
  for (const volume of volumes) if (!volume.deleting) await startDeletion(app, tx, volume, cascade);
  await setGroupStatus(tx.sql, group.id, "deleting", new Date(app.clock.now()));
  tx.event({ action: "volume.group.delete", target: groupTarget(group), detail: { volumes: volumes.length } });
  tx.enqueue(`volume_group/${group.id}`);
}

export const resetGroup = (request: ApiRequest, id: string, status: GroupStatus): Promise<void> =>
  change(request, id, async (tx, group, at) => {
    await setGroupStatus(tx.sql, id, status, at);
    tx.event({ action: "volume.group.reset", target: groupTarget(group), detail: { status } });
  });

/** The registry's way: everything goes with it. */
export async function removeGroupForPurge(app: App, tx: Transaction, id: string): Promise<void> {
  const group = await lockGroup(tx.sql, id, null);
  if (group === null || group.status === "deleting") return;
  const volumes: Volume[] = [];
  for (const { id: volumeId } of await listGroupVolumes(tx.sql, [id])) {
    const volume = await lockVolume(tx.sql, volumeId, null);
    if (volume !== null) volumes.push(volume);
  }
  await startGroupDeletion(app, tx, group, { volumes, cascade: true });
}
