/** Names in the containers that X-Versions-Location and X-History-Location point to. Pure. */

/** Length of the name in bytes, three hex digits; the name; a slash. */
export const versionsPrefix = (name: string): string =>
  `${Buffer.byteLength(name).toString(16).padStart(3, "0")}${name}/`;

/** Seconds with five digits, as Swift's; the last two tell apart what was written within a millisecond. */
export function versionName(name: string, modifiedAt: Date, sequence: number): string {
  const ms = modifiedAt.getTime();
  const seconds = String(Math.floor(ms / 1000)).padStart(10, "0");
  const rest = String(ms % 1000).padStart(3, "0") + String(sequence % 100).padStart(2, "0");
  return `${versionsPrefix(name)}${seconds}.${rest}`;
}
