/** Interfaces plugged into and unplugged from a running guest. */
import type { GuestInterface } from "@andromede/agent-api/types";
import { conflict, unavailable } from "@andromede/base/errors";
import * as qmp from "@andromede/qmp/commands";
import { QmpError } from "@andromede/qmp/monitor";

import type { Ports } from "../network/port.ts";
import type { GuestMachine } from "./guest.ts";
import { netdevId, netdevOf, nicId, nicOf } from "./guest-command.ts";
import { withInterface, withoutInterface } from "./layout.ts";

/** A guest lets go of a card when its kernel says so; a guest without a kernel never does. */
const UNPLUG_TIMEOUT_MS = 15_000;

type Plugging = { machine: GuestMachine; ports: Ports; guest: { id: string; uid: number } };

/** Plugs an interface: tap and switch first, so that the card comes up connected. */
export async function plugInterface({ machine, ports, guest }: Plugging, wanted: GuestInterface): Promise<void> {
  const { layout, monitor } = machine;
  if (layout === null) throw unavailable("the guest's machine is not known");
  const next = withInterface(layout, wanted);
  const added = next?.interfaces.at(-1);
  if (next === null || added === undefined)
    throw conflict(`The server has no room for another interface: at most ${layout.slots}`);
  await ports.ensure(guest, [wanted]);
  await machine.announceLayout(next);
  try {
    await qmp.netdevAdd(monitor, netdevOf(added));
    await qmp.deviceAdd(monitor, nicOf(added, layout.datapath));
  } catch (error) {
    await orGone(qmp.netdevDel(monitor, netdevId(wanted.portId)));
    await machine.announceLayout(layout);
    throw error;
  }
  await machine.setLayout(next);
}

/** Unplugs an interface. From its first line on the guest is off that network, whether it lets go of the card or not. */
export async function unplugInterface({ machine, ports, guest }: Plugging, portId: string): Promise<void> {
  const { layout, monitor } = machine;
  if (layout === null) throw unavailable("the guest's machine is not known");
  await ports.unplug([portId]);
  const device = nicId(portId);
  if ((await qmp.listObjects(monitor, "/machine/peripheral")).includes(device)) {
    const deleted = monitor.nextEvent(
      ({ name, data }) => name === "DEVICE_DELETED" && data["device"] === device,
      UNPLUG_TIMEOUT_MS,
    );
    deleted.catch(() => undefined);
    await orPending(qmp.deviceDel(monitor, device));
    await deleted.catch((cause: unknown) => {
      throw unavailable(`The server did not let go of the interface of port ${portId}`, { cause });
    });
  }
  await orGone(qmp.netdevDel(monitor, netdevId(portId)));
  await machine.setLayout(withoutInterface(layout, portId));
  await ports.remove(guest.id, [portId]);
}

async function orGone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
  }
}

/** QEMU refuses to ask a second time while the guest has not answered the first; the answer is awaited all the same. */
async function orPending(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof QmpError) || !error.message.includes("already in the process of unplug")) throw error;
  }
}
