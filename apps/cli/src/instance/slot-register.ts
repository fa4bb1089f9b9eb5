/**
 * Which instance has which slot, for all data directories of the machine: a slot is a network, a range of user ids and a
 * first port, and two instances on one would end each other's processes. So would two of one name, which name their
 * network namespaces alike. One file a slot in /run: a reboot empties it, and every `up` writes its own again. MUST be
 * used under the machine's lock.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { conflict } from "@andromede/base/errors";

const REGISTER = "/run/andromede";

/** The instances that hold a slot now; one whose directory is gone holds none. */
export function registeredSlots(register = REGISTER): Map<number, string> {
  const slots = new Map<number, string>();
  if (!existsSync(register)) return slots;
  for (const name of readdirSync(register)) {
    const directory = readFileSync(join(register, name), "utf8").trim();
    if (existsSync(join(directory, "config.json"))) slots.set(Number(name), directory);
  }
  return slots;
}

/** What of the machine's belongs to another instance, although this one's configuration says it is its own. */
export function heldByOthers(
  slot: number,
  directory: string,
  register = REGISTER,
): { slot: string | null; name: string | null } {
  const others = [...registeredSlots(register)].filter(([, holder]) => holder !== directory);
  const find = (fits: (taken: number, holder: string) => boolean): string | null =>
    others.find(([taken, holder]) => fits(taken, holder))?.[1] ?? null;
  return {
    slot: find((taken) => taken === slot),
    name: find((_taken, holder) => basename(holder) === basename(directory)),
  };
}

/** Writes down that this instance has this slot; refuses a slot, or a name, that another one has. */
export function registerSlot(slot: number, directory: string, register = REGISTER): void {
  const others = heldByOthers(slot, directory, register);
  if (others.name !== null) {
    throw conflict(
      `this machine has an instance named ${basename(directory)} already, in ${others.name}; choose another --instance, or take that one down with --purge first`,
    );
  }
  if (others.slot !== null) {
    throw conflict(
      `the network 172.24.${slot}.0/24 is used by the instance in ${others.slot}; take that one down with --purge first`,
    );
  }
  mkdirSync(register, { recursive: true, mode: 0o755 });
  writeFileSync(join(register, String(slot)), `${directory}\n`);
}

/** Forgets this instance's slot, if it has it. */
export function releaseSlot(slot: number, directory: string, register = REGISTER): void {
  const file = join(register, String(slot));
  if (!existsSync(file) || readFileSync(file, "utf8").trim() !== directory) return;
  rmSync(file);
  if (readdirSync(register).length === 0) rmdirSync(register);
}
