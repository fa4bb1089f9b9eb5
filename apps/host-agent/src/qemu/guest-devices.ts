/** Interfaces plugged into and unplugged from a running guest. */
import type { GuestInterface } from "@andromede/agent-api/types";
import { conflict, unavailable } from "@andromede/base/errors";
import * as qmp from "@andromede/qmp/commands";

import type { Ports } from "../network/port.ts";
import { orGone, unplugDevice } from "./devices.ts";
import type { GuestMachine } from "./guest.ts";
import { netdevId, netdevOf, nicId, nicOf } from "./guest-command.ts";
import { withInterface, withoutInterface } from "./layout.ts";

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
  await unplugDevice(monitor, nicId(portId), `the interface of port ${portId}`);
  await orGone(qmp.netdevDel(monitor, netdevId(portId)));
  await machine.setLayout(withoutInterface(layout, portId));
  await ports.remove(guest.id, [portId]);
}
