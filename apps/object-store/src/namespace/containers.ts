import { randomBytes } from "node:crypto";

import { conflict, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { Origin } from "@andromede/platform/events/append";

import type { Container } from "./container.model.ts";
import { createContainerMemory } from "./container-memory.ts";
import { planContainer } from "./container.plan.ts";
import {
  deleteContainerRow,
  findContainerAndCurrent,
  findContainerById,
  findContainerRow,
  insertAccount,
  insertContainer,
  isInUse,
  sumContainer,
  updateContainerRow,
} from "./container.queries.ts";
import type { NamespaceDeps } from "./deps.ts";
import { containerEvent } from "./events.ts";
import type { Foreseen } from "./foreseen.ts";
import { lockContainer } from "./locks.queries.ts";
import { isBucketName, isStorable } from "./names.ts";
import type { ContainerChange, Namespace } from "./namespace.ts";
import { deleteEnded } from "./object.queries.ts";
import { transact } from "./transact.ts";

type Containers = Pick<
  Namespace,
  | "findContainer"
  | "findGlobalContainer"
  | "findBucket"
  | "containerUsage"
  | "createContainer"
  | "updateContainer"
  | "deleteContainer"
>;
type Where = Parameters<typeof findContainerAndCurrent>[1];
type Wanted = { globalName: "claim" | "try"; change?: ContainerChange };

export function createContainers(deps: NamespaceDeps, foreseen: Foreseen): Containers {
  const { db } = deps;
  const read = createContainerMemory(db);
  const find = async (where: Where, key = ""): Promise<Container | null> => {
    if (!isStorable(where.name) || !isStorable(key)) return null;
    const found = await findContainerAndCurrent(db, where, key);
    const container = found === null ? null : await read(found.id, found.stamp);
    if (found !== null && container !== null && key !== "") foreseen.foresee(container, key, found.object);
    return container;
  };
  return {
    findContainer: (projectId, name, key) => find({ projectId, name, global: false }, key),
    findGlobalContainer: (name, key) => find({ projectId: null, name, global: true }, key),
    findBucket: (projectId, name, key) => find({ projectId, name, global: true }, key),
    containerUsage: (container) => sumContainer(db, container.id),
    createContainer: (origin, projectId, name, options) =>
      createContainer(deps, origin, { projectId, name, ...options }),
    updateContainer: (origin, container, change) => updateContainer(deps, origin, container, change),
    deleteContainer: (origin, container) => deleteContainer(deps, origin, container),
  };
}

/** A container deleted, or a name taken, between two looks. */
const MAX_TRIES = 5;

async function createContainer(
  deps: NamespaceDeps,
  origin: Origin,
  wanted: Wanted & { projectId: string; name: string },
): Promise<{ container: Container; created: boolean }> {
  const { projectId, name } = wanted;
  if (!isStorable(name) || name === "") throw invalid("Not a name of a container", { type: "InvalidBucketName" });
  for (let time = 1; time <= MAX_TRIES; time++) {
    /* eslint-disable no-await-in-loop -- each try looks at what the one before met */
    const found = await findContainerRow(deps.db, projectId, name);
    if (found !== null) return { container: await takeUp(deps, origin, found, wanted), created: false };
    const made = await insertNew(deps, origin, wanted);
    if (made !== null) return { container: made, created: true };
    /* eslint-enable no-await-in-loop */
  }
  throw conflict(`Container ${name} is being made or deleted by somebody else`, { type: "OperationAborted" });
}

/** Swift's PUT on a container that is there; S3's may find that Swift made it without the claim. */
async function takeUp(deps: NamespaceDeps, origin: Origin, found: Container, wanted: Wanted): Promise<Container> {
  const claimed = wanted.globalName === "claim" && found.globalName === null ? wanted.globalName : undefined;
  if (claimed === undefined && wanted.change === undefined) return found;
  return updateContainer(deps, origin, found, wanted.change ?? {}, claimed);
}

/** null: somebody was quicker. */
async function insertNew(
  deps: NamespaceDeps,
  origin: Origin,
  { projectId, name, globalName, change = {} }: Wanted & { projectId: string; name: string },
): Promise<Container | null> {
  const told = planContainer({ metadata: {}, settings: {}, quotaBytes: null, quotaObjects: null }, change);
  const wrappedName = `object-container/${newHexId()}`;
  const wrappedKey = await deps.keys.wrapForProject(deps.db, projectId, randomBytes(32), wrappedName);
  const made = { ...told, projectId, name, wrappedKey, wrappedName, createdBy: origin.userId ?? origin.requestId };
  return transact(deps, origin, async ({ sql, event }) => {
    await insertAccount(sql, projectId);
    const wantsGlobal = globalName === "claim" || isBucketName(name);
    let container = await insertContainer(sql, { ...made, globalName: wantsGlobal ? name : null });
    if (container === null && wantsGlobal && (await findContainerRow(sql, projectId, name)) === null) {
      if (globalName === "claim") throw taken();
      container = await insertContainer(sql, { ...made, globalName: null });
    }
    if (container !== null) event(containerEvent("object.container.create", container));
    return container;
  });
}

const taken = () =>
  conflict("The requested bucket name is not available. Select a different name and try again", {
    type: "BucketAlreadyExists",
  });

async function updateContainer(
  deps: NamespaceDeps,
  origin: Origin,
  container: Container,
  change: ContainerChange,
  claim?: "claim",
): Promise<Container> {
  try {
    return await transact(deps, origin, async ({ sql, event }) => {
      // whoever writes decides by these settings: nobody does meanwhile
      const [, was] = await Promise.all([lockContainer(sql, container.id), findContainerById(sql, container.id)]);
      if (was === null) throw gone(container);
      const globalName = claim === undefined ? was.globalName : was.name;
      const next = await updateContainerRow(sql, { ...planContainer(was, change), globalName });
      if (next === null) throw gone(container);
      event(containerEvent("object.container.update", container, { changed: changedNames(change) }));
      return next;
    });
  } catch (error) {
    if (claim !== undefined && (error as { code?: unknown }).code === "23505") throw taken();
    throw error;
  }
}

/** Names only: values may be secrets. */
const changedNames = ({ metadata, settings, ...rest }: ContainerChange): string[] =>
  [
    ...Object.keys(metadata ?? {}).map((name) => `metadata.${name}`),
    ...Object.keys(settings ?? {}),
    ...Object.keys(rest),
  ].toSorted();

const gone = (container: Container) => notFound(`Container ${container.name} was not found`, { type: "NoSuchBucket" });

async function deleteContainer(deps: NamespaceDeps, origin: Origin, container: Container): Promise<void> {
  const now = new Date(deps.clock.now());
  await transact(deps, origin, async ({ sql, event }) => {
    const [, found, used] = await Promise.all([
      lockContainer(sql, container.id),
      findContainerById(sql, container.id),
      isInUse(sql, container.id, now),
    ]);
    if (found === null) throw gone(container);
    if (used) throw conflict("The container is not empty", { type: "BucketNotEmpty" });
    // what has come to its end and was not removed yet is not there for anybody
    await deleteEnded(sql, container.id, now);
    await deleteContainerRow(sql, container.id);
    event(containerEvent("object.container.delete", container));
  });
}
