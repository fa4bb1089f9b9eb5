/** What the objects of a server access log are called ("Log object key format" in Amazon's user guide). Pure. */
import type { Logging } from "./access.model.ts";

export type LogSource = { projectId: string; region: string; bucket: string; logging: Logging };

/**
 * `YYYY-mm-DD-HH-MM-SS-<unique>` behind the prefix; partitioned, behind owner, region, bucket and date as well. By the time of the
 * events, that is of one day and says no hour.
 */
export function logKey(source: LogSource, at: { deliveredAt: Date; day: string; unique: string }): string {
  const { prefix, partition } = source.logging;
  const time = at.deliveredAt.toISOString();
  const date = partition === "eventTime" ? at.day : time.slice(0, 10);
  const clock = partition === "eventTime" ? "00-00-00" : time.slice(11, 19).replaceAll(":", "-");
  const name = `${date}-${clock}-${at.unique}`;
  if (partition === undefined) return `${prefix}${name}`;
  const { projectId, region, bucket } = source;
  return `${prefix}${projectId}/${region}/${bucket}/${date.replaceAll("-", "/")}/${name}`;
}
