import type { ApiRequest } from "../../../http/service.ts";
import { imageLimits } from "./image.limits.ts";
import { type ImageUsage, findUsage } from "./upload.queries.ts";

/** What the token's project uses of what it may. */
export async function readUsage({ app, actor }: ApiRequest): Promise<ImageUsage & { maxBytes: number }> {
  const { maxBytes, ...used } = await findUsage(app.db, actor.projectId ?? "");
  return { ...used, maxBytes: maxBytes ?? imageLimits(app.config).projectBytes };
}
