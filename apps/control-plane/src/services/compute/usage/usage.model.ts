/** What servers used of a period. Pure. */
import type { FlavorCopy } from "../servers/server.model.ts";

export type ServerUsage = {
  serverId: string;
  projectId: string;
  name: string;
  flavor: FlavorCopy;
  launchedAt: Date;
  endedAt: Date | null;
  state: string;
  /** Within the period. */
  hours: number;
};

export type UsagePeriod = { start: Date; stop: Date };
export type UsagePage = UsagePeriod & { projectId: string | null; marker: string | undefined; limit: number };
