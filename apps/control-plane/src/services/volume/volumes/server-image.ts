/** Images that a server on volumes leaves: without bytes, they name the snapshots of its volumes. Pure. */
import { type JsonObject, isObject } from "@andromede/base/json";

/** Microversion 3.46: the snapshot of the volume that such a server boots from; null: the image is one like any other. */
export function rootSnapshotOf(properties: JsonObject): string | null {
  const text = properties["block_device_mapping"];
  if (typeof text !== "string") return null;
  const isRoot = (entry: unknown): entry is { snapshot_id: string } =>
    isObject(entry) &&
    entry["source_type"] === "snapshot" &&
    entry["boot_index"] === 0 &&
    typeof entry["snapshot_id"] === "string";
  const mapping = readList(text);
  return mapping.find(isRoot)?.snapshot_id ?? null;
}

/** A property is anybody's to write: what is no list names nothing. */
function readList(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
