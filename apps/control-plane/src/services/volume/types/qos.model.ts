/** QoS specs: what a type's volumes may do at most. Pure. */
import type { DiskLimits } from "@andromede/agent-api/types";

export type QosConsumer = "front-end" | "back-end" | "both";

/** libvirt's names of what a disk may do, which OpenStack's operators write, and ours. */
const NAMES: { readonly [name: string]: keyof DiskLimits } = {
  total_bytes_sec: "totalBytesSec",
  read_bytes_sec: "readBytesSec",
  write_bytes_sec: "writeBytesSec",
  total_iops_sec: "totalIops",
  read_iops_sec: "readIops",
  write_iops_sec: "writeIops",
};

const MAX = Number.MAX_SAFE_INTEGER;

const toNumber = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,16}$/.test(text) && Number(text) <= MAX ? Number(text) : null;

/**
 * The limits that a disk of `sizeGib` gets where it is attached; undefined: none. What the `back-end` is to enforce is
 * enforced there too: it is QEMU that reads and writes the pool. `<name>_per_gb` (and `_per_gb_min`) grow with the volume.
 */
export function limitsOf(specs: { [key: string]: string } | null, sizeGib: number): DiskLimits | undefined {
  const limits: DiskLimits = {};
  for (const [name, ours] of Object.entries(NAMES)) {
    const perGib = toNumber(specs?.[`${name}_per_gb`]);
    const fixed = toNumber(specs?.[name]);
    const scaled = perGib === null ? null : Math.max(perGib * sizeGib, toNumber(specs?.[`${name}_per_gb_min`]) ?? 0);
    const value = fixed ?? scaled;
    if (value !== null && value > 0) limits[ours] = Math.min(value, MAX);
  }
  return Object.keys(limits).length === 0 ? undefined : limits;
}
