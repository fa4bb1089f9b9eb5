/** What the tests of dying agents have in common: the agent is killed at a step, and the next one is told the same. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

import type { VolumeSource, VolumeSpec } from "@andromede/agent-api/types";
import { waitUntil } from "@andromede/base/waiting";

import { MIB, WAIT, type bench } from "./volume-bench.ts";
import { digestOfVolume, filesBelow, writeVolume } from "./volume-content.ts";

/** An agent that is back has done what it was told within this. */
const FINAL_STATE_MS = 30_000;

/** Of a bench: what is done with agents that die. */
export function deaths({ host, settled, specOf, ready, backup }: ReturnType<typeof bench>) {
  const content = randomBytes(2 * MIB);

  /** The agent dies at the step of what `order` begins; another agent is told the same, and told to the end. */
  async function dieAt(step: string, order: () => Promise<unknown>): Promise<void> {
    await host().crashAgent();
    await host().startAgent({ crashAt: step });
    const died = host().agentDied();
    // It may die before it answers.
    await order().catch(() => undefined);
    await died;
    await waitUntil("the end of all that worked for it", () => toolsOf(host().volumes).length === 0, WAIT);
    await host().startAgent();
    await order();
  }
  async function untilReady(spec: VolumeSpec): Promise<void> {
    const since = performance.now();
    const report = await settled(spec);
    const took = performance.now() - since;
    assert.ok(took < FINAL_STATE_MS, `${took.toFixed(0)} ms after the agent was back`);
    assert.deepEqual({ state: report.state, fault: report.fault }, { state: "ready", fault: undefined });
  }
  /** Nothing but whole volumes, their records, and what is empty anyway. */
  function assertTidy(): void {
    const left = filesBelow(host().volumes).filter((path) => !/\/[0-9a-f-]{36}\.(qcow2|json)$/.test(path));
    assert.deepEqual(left, []);
  }
  async function filled(changes: Partial<VolumeSpec> = {}): Promise<VolumeSpec & { digest: string }> {
    const spec = await ready(changes);
    await writeVolume(host(), spec, [{ offset: 7 * MIB, data: content }]);
    return { ...spec, digest: await digestOfVolume(host(), spec) };
  }
  /** What a volume is made anew from, when its old bytes have gone: its id and its key stay. */
  async function madeAnew(step: string, source: VolumeSource): Promise<VolumeSpec> {
    const { digest: _old, ...spec } = await filled();
    const anew = { ...spec, generation: 3, source };
    const order = async (): Promise<void> => {
      await host().client.deleteVolume(spec.id, 2);
      await waitUntil("its end", async () => !(await host().client.deleteVolume(spec.id, 2)), WAIT);
      await host().client.putVolume(anew);
    };
    await dieAt(step, order);
    await untilReady(anew);
    return anew;
  }
  return { host, specOf, ready, backup, content, dieAt, untilReady, assertTidy, filled, madeAnew };
}

/** Command lines that name the directory, of QEMU's tools and of what starts them. */
function toolsOf(directory: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      return /qemu-(img|nbd)/.test(commandLine) && commandLine.includes(directory) ? commandLine : [];
    } catch {
      return [];
    }
  });
}
