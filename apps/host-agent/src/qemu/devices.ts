/** What plugging of interfaces and of volumes share. */
import { unavailable } from "@andromede/base/errors";
import * as qmp from "@andromede/qmp/commands";
import { QmpError, type QmpMonitor } from "@andromede/qmp/monitor";

/** A guest lets go of a device when its kernel says so; a guest without a kernel never does. */
const UNPLUG_TIMEOUT_MS = 15_000;

/** Devices that were plugged, or were there from the start, by id. */
export const pluggedDevices = (monitor: QmpMonitor): Promise<string[]> =>
  qmp.listObjects(monitor, "/machine/peripheral");

/** Asks the guest to let go of a device, and waits until it has. */
export async function unplugDevice(monitor: QmpMonitor, device: string, what: string): Promise<void> {
  if (!(await pluggedDevices(monitor)).includes(device)) return;
  const deleted = monitor.nextEvent(
    ({ name, data }) => name === "DEVICE_DELETED" && data["device"] === device,
    UNPLUG_TIMEOUT_MS,
  );
  deleted.catch(() => undefined);
  await orPending(qmp.deviceDel(monitor, device));
  await deleted.catch((cause: unknown) => {
    throw unavailable(`The server did not let go of ${what}`, { cause });
  });
}

/** What QEMU refuses because there is no such thing is done. */
export async function orGone(work: Promise<void>): Promise<void> {
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
