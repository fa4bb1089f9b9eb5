/** Programs that die (`kill -9`) at each step of what is under way, which comes to its end all the same. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";

import type { Cloud } from "./cloud.ts";

export const PROGRAMS = ["control-plane", "host-agent@host1"] as const;
export type Program = (typeof PROGRAMS)[number];
/** Who dies first: each order is walked where it matters who dies at a step. */
export const ORDERS: readonly (readonly Program[])[] = [PROGRAMS, PROGRAMS.toReversed()];

/** From the last restart of a program to the end of what was under way, or to its next step. */
const LIMIT_MS = 30_000;

/** What it is at, in a word; null: it is at its end. */
export type Step = { at: string } | { wrong: string } | null;

export type Walk = {
  what: string;
  /** Asked of the database: the API is away half of the time. */
  look: () => Promise<Step>;
  programs?: readonly Program[];
  /** A program dies as soon as it is asked for, whatever has been seen of it. */
  fromTheStart?: boolean;
};

function pidNow(cloud: Cloud, program: Program): number | undefined {
  try {
    const pid = Number(readFileSync(join(cloud.directory, "run/pids", `${program}.pid`), "utf8"));
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined; // it is just being started
  }
}

async function killAndAwait(cloud: Cloud, program: Program): Promise<void> {
  const pid = await waitUntil(`${program} running`, () => pidNow(cloud, program), { timeoutMs: 60_000, everyMs: 5 });
  process.kill(pid, "SIGKILL");
  const isBack = (): boolean => ![pid, undefined].includes(pidNow(cloud, program));
  await waitUntil(`${program} back`, isBack, { timeoutMs: 60_000, everyMs: 5 });
}

/** Sees what was begun to its end; at each of its steps one of the programs dies. The steps that were seen, in order. */
export async function killOnTheWay(cloud: Cloud, walk: Walk): Promise<string[]> {
  const { what, look, programs = PROGRAMS, fromTheStart = false } = walk;
  const walked: string[] = [];
  let since = performance.now();
  const die = async (step: string): Promise<void> => {
    const program = programs[walked.length % programs.length] ?? "control-plane";
    walked.push(step);
    await killAndAwait(cloud, program);
    since = performance.now();
  };
  if (fromTheStart) await die("asked");
  const wrong = await waitUntil(
    what,
    async () => {
      const step = await look();
      if (step === null) return "";
      if ("wrong" in step) return `${what}: ${step.wrong}`;
      if (!walked.includes(step.at)) await die(step.at);
      return (
        performance.now() - since > LIMIT_MS && `${what}: at ${step.at} for ${LIMIT_MS} ms after ${walked.join(", ")}`
      );
    },
    { timeoutMs: 600_000, everyMs: 5 },
  );
  assert.equal(wrong, "");
  return walked;
}

/** A server's state and what it is at. `vmState`: of its end. */
export const lookAtServer =
  (cloud: Cloud, id: string, vmState: string): Walk["look"] =>
  async () => {
    const row = await cloud.sql(
      `select vm_state, coalesce(task_state, ''), coalesce(task_step, ''), coalesce(fault_message, observed_fault, '') from server where id = '${id}'`,
    );
    const [state, task = "", step = "", fault = ""] = row.trim().split("|");
    if (state === "error") return { wrong: fault };
    if (task === "" && state === vmState) return null;
    return { at: step === "" ? task : `${task}/${step}` };
  };

/** The status of a volume, a snapshot or a backup. */
export const lookAtStatus =
  (cloud: Cloud, table: "volume" | "snapshot" | "backup", id: string, status: string): Walk["look"] =>
  async () => {
    const now = (await cloud.sql(`select status from ${table} where id = '${id}'`)).trim();
    if (now.startsWith("error")) return { wrong: now };
    return now === status ? null : { at: now };
  };
