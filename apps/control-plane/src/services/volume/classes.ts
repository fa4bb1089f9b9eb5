/** Volumes' entries in the registry (architecture.md, rule 8a). */
import type { ResourceClass } from "../../registry/registry.ts";

export const volumeClasses: ResourceClass[] = [];
