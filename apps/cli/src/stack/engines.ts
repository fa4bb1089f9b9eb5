/** Brings the engines of an instance up, each to the point where it has been seen to work. Idempotent, step by step. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import {
  configureOpenvswitch,
  disableChecksumOffload,
  openvswitchUnits,
  prepareOpenvswitch,
} from "@andromede/engines/openvswitch";
import {
  ovnCentralUnits,
  ovnControllerUnit,
  prepareOvnCentral,
  southboundSocket,
  waitForChassis,
  waitForOvn,
} from "@andromede/engines/ovn";
import { ensureDatabase, postgresqlUnit, preparePostgresql } from "@andromede/engines/postgresql";

import { UPLINK, ensureHostLink, ensureNat, isForwarding } from "../host/host-network.ts";
import { writeWhole } from "../instance/instance-config.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import type { Stack } from "./stack.ts";

export async function startPostgresql(stack: Stack, manager: ServiceManager): Promise<void> {
  if (stack.database.kind === "url") return;
  const { place } = stack.database;
  await preparePostgresql(place);
  await manager.launch(postgresqlUnit(place));
  await ensureDatabase(place);
}

export async function startOvnCentral(stack: Stack, manager: ServiceManager): Promise<void> {
  await prepareOvnCentral(stack.ovn);
  for (const unit of ovnCentralUnits(stack.ovn)) {
    // In their order: northd comes after the databases.
    // eslint-disable-next-line no-await-in-loop
    await manager.launch(unit);
  }
  await waitForOvn(stack.ovn, { hosts: false, timeoutMs: 30_000 });
}

export type ForwardingNote = { forwardingWasOff: boolean };
const noteFile = (stack: Stack): string => join(stack.paths.directory, "machine.json");

/** What the machine was like before us; null when we never changed it. */
export async function readForwardingNote(directory: string): Promise<ForwardingNote | null> {
  const file = join(directory, "machine.json");
  return existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as ForwardingNote) : null;
}

/** The host's namespace, its link to the machine and the way out. */
export async function startHostNetwork(stack: Stack): Promise<void> {
  const { link, config } = stack;
  await ensureHostLink(link);
  if (stack.datapath === "netdev") {
    await disableChecksumOffload(stack.engineRoot, undefined, link.machineLink);
    await disableChecksumOffload(stack.engineRoot, link.namespace, UPLINK);
  }
  if (!existsSync(noteFile(stack)))
    await writeWhole(noteFile(stack), `${JSON.stringify({ forwardingWasOff: !(await isForwarding()) })}\n`, 0o644);
  await ensureNat(config.slot, link.machineLink);
}

export async function startOpenvswitch(stack: Stack, manager: ServiceManager): Promise<void> {
  await prepareOpenvswitch(stack.switch);
  const [database, daemon] = openvswitchUnits(stack.switch);
  if (database === undefined || daemon === undefined) throw new TypeError("Open vSwitch has two units");
  await manager.launch(database);
  await manager.launch(daemon);
  await configureOpenvswitch(stack.switch, {
    chassis: stack.chassis,
    southbound: southboundSocket(stack.ovn),
    encapsulationAddress: "127.0.0.1",
    uplink: UPLINK,
  });
}

export async function startOvnController(stack: Stack, manager: ServiceManager): Promise<void> {
  await manager.launch(ovnControllerUnit(stack.ovn, stack.switch));
  await waitForChassis(stack.ovn, stack.chassis, 30_000);
  await waitForOvn(stack.ovn, { hosts: true, timeoutMs: 30_000 });
}
