import { CloudError, messageOf } from "@andromede/base/errors";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done, pollAfter } from "../../../reconcile/worker.ts";
import type { ResourceClass } from "../../../registry/registry.ts";
import { closeProject, deletedProject, deletedProjects, forgetDeletedProject } from "../../identity/public.ts";
import { type ProjectPurge, type Remaining, countsOf, mostOf, planPurge } from "./purge.model.ts";
import {
  findPurge,
  insertPurge,
  listOpenPurges,
  recordAsked,
  recordFinished,
  recordProgress,
} from "./purge.queries.ts";

const ORIGIN = systemOrigin("purge");
/** Of one class asked to go in one step. */
const MOST_AT_ONCE = 200;
const DAY_MS = 86_400_000;
/** How long what a deleted project owned is kept, unless the configuration says otherwise. */
const GRACE_DAYS = 30;

/** `project-purge/<project id>`: removes all that a project owns, in the registry's order, to the last row and key. */
export function createPurgeReconciler(classes: readonly ResourceClass[]): Reconciler {
  const owned = classes.filter(({ ownerColumn }) => ownerColumn !== null);
  return {
    kind: "project-purge",
    reconcile: (app, id) => purgeProject(app, owned, id),
    resync: {
      everyMs: 60_000,
      ids: async (app) => [...(await listOpenPurges(app.db)), ...(await lapsedProjects(app)).map(({ id }) => id)],
    },
  };
}

/** Deleted longer ago than their grace. */
async function lapsedProjects(app: App): Promise<{ id: string; domainId: string; name: string }[]> {
  const before = app.clock.now() - (app.config.operator?.purgeAfterDays ?? GRACE_DAYS) * DAY_MS;
  return (await deletedProjects(app.db)).filter(({ deletedAt }) => deletedAt.getTime() <= before);
}

async function purgeProject(app: App, owned: ResourceClass[], id: string): Promise<Outcome> {
  const purge = (await findPurge(app.db, id)) ?? (await beginLapsed(app, id));
  if (purge === null || purge.finishedAt !== null) return done;
  await closeProject(app, ORIGIN, id);
  const remaining = await Promise.all(
    owned.map(async (entry) => ({
      name: entry.name,
      order: entry.deleteOrder,
      ids: await entry.list(app, id),
    })),
  );
  const counts = countsOf(remaining);
  await recordProgress(app.db, id, { found: mostOf(purge.found, counts), remaining: counts });
  const step = planPurge(purge, remaining, app.clock.now());
  switch (step.step) {
    case "finish":
      await finish(app, purge);
      return done;
    case "await":
      return pollAfter(step.checkAfterMs, `on their way: ${Object.keys(counts).join(", ")}`);
    case "ask": {
      const reason = await askAll(app, owned, step.classes);
      await recordAsked(app.db, id, { step: step.order, askedAt: new Date(app.clock.now()), reason });
      return pollAfter(reason === null ? 50 : 1_000, reason ?? "the next class");
    }
  }
}

async function beginLapsed(app: App, id: string): Promise<ProjectPurge | null> {
  const lapsed = (await lapsedProjects(app)).find((project) => project.id === id);
  if (lapsed === undefined) return null;
  const requestedAt = new Date(app.clock.now());
  await transact(app, ORIGIN, async (tx) => {
    if (!(await insertPurge(tx.sql, { ...lapsed, requestedBy: null, requestedAt }))) return;
    tx.event({
      action: "operator.project_purge.create",
      target: { type: "project", id, projectId: id },
      detail: { name: lapsed.name },
    });
  });
  return findPurge(app.db, id);
}

/** Each in a transaction of its own: one that refuses keeps none of the others. Gives the first refusal. */
async function askAll(app: App, owned: ResourceClass[], classes: Remaining): Promise<string | null> {
  let reason: string | null = null;
  for (const { name, ids } of classes) {
    const entry = owned.find((each) => each.name === name);
    for (const id of ids.slice(0, MOST_AT_ONCE)) {
      try {
        // eslint-disable-next-line no-await-in-loop -- a purge must not crowd out what customers do
        await transact(app, ORIGIN, async (tx) => entry?.remove?.(app, tx, id));
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        if (error.kind === "notFound") continue;
        app.log.warn({ error, class: name, id }, "not purged yet");
        reason ??= `${name} ${id}: ${messageOf(error)}`;
      }
    }
  }
  return reason;
}

async function finish(app: App, purge: ProjectPurge): Promise<void> {
  await transact(app, ORIGIN, async (tx) => {
    if ((await deletedProject(tx.sql, purge.id)) !== null) await forgetDeletedProject(tx.sql, purge.id);
    await recordFinished(tx.sql, purge.id, new Date(app.clock.now()));
    tx.event({
      action: "operator.project_purge.finish",
      target: { type: "project", id: purge.id, projectId: purge.id },
      detail: { name: purge.name, found: purge.found },
    });
  });
}
