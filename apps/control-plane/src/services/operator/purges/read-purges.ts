import { notFound } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import type { ProjectPurge } from "./purge.model.ts";
import { findPurge, listPurges } from "./purge.queries.ts";

/** Erasures that are kept are many; the latest are what is asked for. One by its project is always found. */
const MOST = 1_000;

export const readPurges = ({ app }: { app: App }): Promise<ProjectPurge[]> => listPurges(app.db, MOST);

export async function readPurge({ app }: { app: App }, projectId: string): Promise<ProjectPurge> {
  const purge = await findPurge(app.db, projectId);
  if (purge === null) throw notFound(`Could not find purge of project: ${projectId}.`);
  return purge;
}
