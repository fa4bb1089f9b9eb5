/** What is different for a server that boots from a volume, by microversion. Pure. */

/** A rebuild makes the volume anew. Before, it keeps it, and its image has to be the one that is asked for. */
export const rebuildsVolume = (version: number): boolean => version >= 93;

type Properties = { readonly [name: string]: unknown };
/** An image that says how it wants to be found can stand beside all of a server's disks. */
const STABLE = ["hw_rescue_bus", "hw_rescue_device"] as const;

/** Does the server keep all its disks where they are while it is rescued with the image? */
export const isStableRescue = (properties: Properties): boolean =>
  STABLE.some((name) => properties[name] !== undefined);

/** With an image that says both. */
export const mayRescueVolume = (version: number, properties: Properties): boolean =>
  version >= 87 && STABLE.every((name) => properties[name] !== undefined);
