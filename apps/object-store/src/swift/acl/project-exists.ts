import { RecentlyUsed } from "@andromede/platform/tokens/token-cache";

import type { SwiftRequest } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";
import { findProjectDomain } from "./projects.queries.ts";

const REMEMBERED = 1_024;
const seen = new RecentlyUsed<{ key: string }>(REMEMBERED);

/** Who may use every account could otherwise make some for projects that there never were. Own projects are there: the token says so. */
export async function assertProject({ store, caller, projectId }: SwiftRequest): Promise<void> {
  if (caller.actor?.projectId === projectId || seen.get(projectId) !== undefined) return;
  if ((await findProjectDomain(store.db, projectId)) === null) throw refusal(404);
  seen.set(projectId, { key: projectId });
}
