/**
 * What the supervisor is told and what it remembers, as files: both survive its death.
 *   units/NAME.json     the unit and whether it should run (written by the CLI; `wanted` also by the supervisor)
 *   run/units/NAME.json the process it started: pid, start time, boot
 *   run/pids/NAME.pid   its pid alone, for other people's tools; the supervisor's own is in run/supervisor.pid
 * Each is written beside its place and renamed, so nobody ever reads half of one.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Unit } from "@andromede/engines/unit";

export type UnitFile = { unit: Unit; wanted: "running" | "stopped" };
/** `definition` is the hash of the unit it was started from: another hash in the unit file means a restart is due. */
export type ProcessRecord = { pid: number; startTime: number; bootId: string; definition: string; startedAt: number };

export type UnitDirectories = { units: string; records: string; pids: string };

export const unitDirectories = (instanceDirectory: string): UnitDirectories => ({
  units: join(instanceDirectory, "units"),
  records: join(instanceDirectory, "run", "units"),
  pids: join(instanceDirectory, "run", "pids"),
});

/** What tells two definitions of a unit apart. */
export const definitionHash = (unit: Unit): string =>
  createHash("sha256").update(JSON.stringify(unit)).digest("hex").slice(0, 16);

function writeWhole(file: string, text: string, mode: number): void {
  const unfinished = `${file}.${process.pid}.new`;
  writeFileSync(unfinished, text, { mode });
  renameSync(unfinished, file);
}

const writeJson = (file: string, value: unknown): void =>
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`, 0o600);

function readJson<T>(file: string): T | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** A pid file as everybody writes them. */
export const writePid = (file: string, pid: number): void => writeWhole(file, `${pid}\n`, 0o644);
const pidFile = (directories: UnitDirectories, name: string): string => join(directories.pids, `${name}.pid`);

const fileOf = (directory: string, name: string): string => join(directory, `${name}.json`);

/** Creates the directories. */
export function prepareUnitStore(directories: UnitDirectories): void {
  for (const directory of [directories.units, directories.records])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(directories.pids, { recursive: true, mode: 0o755 });
}

/** Every unit file, by name. */
export function readUnits(directories: UnitDirectories): UnitFile[] {
  return readdirSync(directories.units)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((name) => readJson<UnitFile>(join(directories.units, name)))
    .filter((file) => file !== null);
}

export const writeUnit = (directories: UnitDirectories, file: UnitFile): void =>
  writeJson(fileOf(directories.units, file.unit.name), file);
export const removeUnit = (directories: UnitDirectories, name: string): void =>
  rmSync(fileOf(directories.units, name), { force: true });

export const readRecord = (directories: UnitDirectories, name: string): ProcessRecord | null =>
  readJson(fileOf(directories.records, name));
export function writeRecord(directories: UnitDirectories, name: string, record: ProcessRecord): void {
  writeJson(fileOf(directories.records, name), record);
  writePid(pidFile(directories, name), record.pid);
}

export function removeRecord(directories: UnitDirectories, name: string): void {
  rmSync(fileOf(directories.records, name), { force: true });
  rmSync(pidFile(directories, name), { force: true });
}
