/** What longer changes write of a server (server-tasks.ts). */
import type postgres from "postgres";

import type { GuestPower } from "@andromede/agent-api/types";
import type { Queryable } from "@andromede/platform/db/database";

import type {
  FlavorCopy,
  ImageCopy,
  NamedImage,
  Rescue,
  ServerMode,
  TaskName,
  TaskStep,
  VmState,
} from "./server.model.ts";

/** Members that are absent stay as they are. */
export type TaskChange = {
  task?: TaskName | null;
  taskStep?: TaskStep | null;
  taskVmState?: VmState | null;
  mode?: ServerMode;
  modeSince?: Date | null;
  power?: GuestPower;
  powerNonce?: string;
  flavorId?: string;
  flavor?: FlavorCopy;
  otherFlavorId?: string | null;
  otherFlavor?: FlavorCopy | null;
  host?: string | null;
  availabilityZone?: string | null;
  otherHost?: string | null;
  otherDiskImage?: NamedImage | null;
  rootGib?: number;
  diskNonce?: string;
  ephemeralNonce?: string;
  diskImage?: NamedImage | null;
  reimageId?: string | null;
  rescue?: Rescue | null;
  shelvedImageId?: string | null;
  imageId?: string;
  image?: ImageCopy | null;
  name?: string;
  hostname?: string;
  description?: string | null;
  accessIpV4?: string | null;
  accessIpV6?: string | null;
  diskConfig?: "AUTO" | "MANUAL";
  metadata?: { [key: string]: string };
  keyName?: string | null;
  keyType?: "ssh" | "x509" | null;
  publicKey?: string | null;
  userData?: string | null;
  adminPassword?: Buffer | null;
  wantedZone?: string | null;
  wantedHost?: string | null;
  faultCode?: number | null;
  faultMessage?: string | null;
  faultAt?: Date | null;
};

const JSON_COLUMNS = ["flavor", "otherFlavor", "otherDiskImage", "diskImage", "rescue", "image", "metadata"] as const;

/**
 * Writes a change of a task. `bump`: the guest's spec changes by it, and what was observed before says nothing of what
 * becomes of it. `elsewhere`: what was observed was of another host's guest.
 */
export async function setTask(
  sql: postgres.ISql,
  id: string,
  change: TaskChange,
  options: { bump: boolean; elsewhere?: boolean; at: Date },
): Promise<void> {
  const values: { [column: string]: unknown } = { ...change, updatedAt: options.at };
  for (const column of JSON_COLUMNS) {
    const value = change[column];
    if (value !== undefined && value !== null) values[column] = sql.json(value as never);
  }
  const set = sql(values as never);
  await sql`
    update server set ${set}, task_since = ${options.at}
      ${
        options.bump
          ? sql`, generation = generation + 1, power_generation = generation + 1, reboot_kind = null, reboot_nonce = null`
          : sql``
      }
      ${
        options.elsewhere === true
          ? sql`, observed_generation = null, observed_state = 'stopped', observed_converged = false, observed_spontaneous = false,
              observed_fault = null, observed_gone = false, observed_disks = '{}', observed_needs_keys = false`
          : sql``
      }
    where id = ${id}`;
}

/** Holds the rows of hosts, in one order for everybody. */
export async function lockHosts(sql: Queryable, names: (string | null)[]): Promise<void> {
  const wanted = [...new Set(names)].filter((name) => name !== null);
  if (wanted.length > 0) await sql`select 1 from compute_host where name = any(${wanted}) order by name for update`;
}
