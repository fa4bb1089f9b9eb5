/** The extra specs that OpenStack knows, and what they may say (microversion 2.86; "Extra specs" of Nova's configuration guide). Pure. */
import { invalid } from "@andromede/base/errors";

type Kind = "text" | "boolean" | { min: number; max?: number } | { oneOf: readonly string[] } | { like: RegExp };
const at = (min: number, max?: number): Kind => (max === undefined ? { min } : { min, max });
const oneOf = (...words: string[]): Kind => ({ oneOf: words });
const like = (pattern: RegExp): Kind => ({ like: pattern });

const CPUS = /^\^?\d+(-\d+)?(,\^?\d+(-\d+)?)*$/;

/** Exact keys. */
const KNOWN: { readonly [key: string]: Kind } = {
  "accel:device_profile": "text",
  "hw:cpu_realtime": "boolean",
  "hw:cpu_realtime_mask": like(CPUS),
  "hw:hide_hypervisor_id": "boolean",
  "hw:cpu_policy": oneOf("dedicated", "shared", "mixed"),
  "hw:cpu_thread_policy": oneOf("prefer", "isolate", "require"),
  "hw:emulator_threads_policy": oneOf("isolate", "share"),
  "hw:cpu_dedicated_mask": like(CPUS),
  "hw:mem_page_size": like(/^(large|small|any|\d+([kKMGT]i?)?(b|bit|B)?)$/),
  "hw:locked_memory": "boolean",
  "hw:numa_nodes": at(1),
  "hw:pci_numa_affinity_policy": oneOf("required", "preferred", "legacy", "socket"),
  "hw:cpu_sockets": at(1),
  "hw:cpu_cores": at(1),
  "hw:cpu_threads": at(1),
  "hw:max_cpu_sockets": at(1),
  "hw:max_cpu_cores": at(1),
  "hw:max_cpu_threads": at(1),
  "hw:boot_menu": "boolean",
  "hw:vif_multiqueue_enabled": "boolean",
  "hw:mem_encryption": "boolean",
  "hw:pmem": like(/^[a-zA-Z0-9_]+(,[a-zA-Z0-9_]+)*,?$/),
  "hw:pmu": "boolean",
  "hw:serial_port_count": at(0),
  "hw:tpm_model": oneOf("tpm-tis", "tpm-crb"),
  "hw:tpm_version": oneOf("1.2", "2.0"),
  "hw:watchdog_action": oneOf("none", "pause", "poweroff", "reset", "disabled"),
  "hw:viommu_model": oneOf("intel", "smmuv3", "virtio", "auto"),
  "hw:ephemeral_encryption": "boolean",
  "hw:ephemeral_encryption_format": oneOf("luks", "plain"),
  "hw_rng:allowed": "boolean",
  "hw_rng:rate_bytes": at(0),
  "hw_rng:rate_period": at(0),
  "hw_video:ram_max_mb": at(0),
  "os:secure_boot": oneOf("disabled", "optional", "required"),
  "os:resolution": oneOf("1024x768", "1280x1024", "1600x1200", "1920x1200", "2560x1600", "3840x2160"),
  "os:monitors": at(1, 8),
  "os:vram": oneOf("64", "128", "256", "512", "1024"),
  "pci_passthrough:alias": like(/^[^:,]+:\d+(,\s*[^:,]+:\d+)*$/),
  "quota:cpu_shares": at(0),
  "quota:cpu_period": at(0),
  "quota:cpu_quota": at(-0x7fff_ffff),
  "vmware:hw_version": "text",
  "vmware:storage_policy": "text",
};

/** Keys with a part that is not fixed. */
const PATTERNS: readonly (readonly [key: RegExp, kind: Kind])[] = [
  [/^aggregate_instance_extra_specs:.+$/, "text"],
  [/^capabilities:.+$/, "text"],
  [/^hw:numa_cpus\.\d+$/, like(CPUS)],
  [/^hw:numa_mem\.\d+$/, at(1)],
  [/^quota:(cpu|memory|disk_io|vif)_(limit|reservation|shares_share)$/, at(0)],
  [/^quota:(cpu|memory|disk_io|vif)_shares_level$/, oneOf("custom", "high", "normal", "low")],
  [/^quota:disk_(read|write|total)_(bytes|iops)_sec$/, at(0)],
  [/^quota:vif_(inbound|outbound)_(average|peak|burst)$/, at(0)],
  [/^resources[a-zA-Z0-9_-]{0,64}:[A-Z0-9_]+$/, at(0)],
  [/^trait[a-zA-Z0-9_-]{0,64}:[A-Z0-9_]+$/, oneOf("required", "forbidden")],
  [/^group_policy$/, oneOf("none", "isolate")],
];

/** Whoever uses another namespace than these is on their own. */
const NAMESPACES =
  /^(accel|aggregate_instance_extra_specs|capabilities|hw|hw_rng|hw_video|os|pci_passthrough|powervm|quota|resources[a-zA-Z0-9_-]*|trait[a-zA-Z0-9_-]*|vmware):/;

const BOOLEANS = ["true", "t", "1", "yes", "y", "on", "false", "f", "0", "no", "n", "off"];

/** Throws for a key of a known namespace that is none of its keys, and for a value that says nothing. */
export function checkExtraSpec(key: string, value: string): void {
  const kind = Object.hasOwn(KNOWN, key) ? KNOWN[key] : PATTERNS.find(([pattern]) => pattern.test(key))?.[1];
  if (kind === undefined) {
    if (!NAMESPACES.test(key)) return;
    throw invalid(`Validation failed; extra spec '${key}' does not appear to be a valid extra spec.`);
  }
  const problem = problemWith(kind, value);
  if (problem !== null)
    throw invalid(`Validation failed; '${value}' is not a valid value of extra spec '${key}': ${problem}.`);
}

function problemWith(kind: Kind, value: string): string | null {
  if (kind === "text") return null;
  if (kind === "boolean") return BOOLEANS.includes(value.toLowerCase()) ? null : "it is not a boolean";
  if ("oneOf" in kind) return kind.oneOf.includes(value) ? null : `it is not one of ${kind.oneOf.join(", ")}`;
  if ("like" in kind) return kind.like.test(value) ? null : "it is malformed";
  const { min, max = 0x7fff_ffff_ffff } = kind;
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? null : `it is not a number of ${min} or more`;
}
