/**
 * A guest's ports on this host: a tap in the host's namespace that only the guest's user may open, plugged into the
 * integration bridge under its OVN logical port's id.
 */
import type { GuestInterface } from "@andromede/agent-api/types";

import type { Links } from "./links.ts";
import type { Switch, SwitchPort } from "./switch.ts";

export type Ports = {
  /** What is there already; MUST be called before anything else. */
  load(): Promise<void>;
  /** Taps made, plugged. Idempotent. */
  ensure(guest: { id: string; uid: number }, interfaces: readonly GuestInterface[]): Promise<void>;
  /** Takes the ports off the switch; their taps stay. */
  unplug(portIds: readonly string[]): Promise<void>;
  /** Unplugs the ports and removes their taps; those that are not there are no error. */
  remove(guestId: string, portIds: readonly string[]): Promise<void>;
  removeAll(guestId: string): Promise<void>;
  holds(guestId: string): boolean;
  /** Of the ports, those that OVN has wired. */
  up(portIds: readonly string[]): string[];
  /** Guests that have a tap or a port here. */
  guests(): Promise<Set<string>>;
};

/** Linux's limit on names is 15 characters; Neutron names its taps likewise. */
export const tapName = (portId: string): string => `tap${portId.slice(0, 11)}`;

/** Ports of a host. `owner` ("instance/host") marks our taps. */
export function createPorts(options: { links: Links; ovs: Switch; owner: string }): Ports {
  const { links, ovs, owner } = options;
  /** Port id -> guest id of the taps that are there. */
  const taps = new Map<string, string>();
  const aliasOf = (guestId: string, portId: string): string => `${owner}/${guestId}/${portId}`;

  async function remove(guestId: string, portIds: readonly string[]): Promise<void> {
    await ovs.removePorts(portIds.map(tapName));
    const existing = portIds.filter((portId) => taps.get(portId) === guestId);
    await removeTaps(links, existing.map(tapName));
    for (const portId of existing) taps.delete(portId);
  }

  const portsOf = (guestId: string): string[] =>
    [...taps].filter(([, owned]) => owned === guestId).map(([portId]) => portId);
  const plugged = (guestId: string): string[] =>
    ovs
      .ports()
      .filter(({ externalIds }) => externalIds["vm-id"] === guestId)
      .flatMap(({ externalIds }) => externalIds["iface-id"] ?? []);

  async function load(): Promise<void> {
    taps.clear();
    for (const { alias } of await links.list()) {
      if (!alias.startsWith(`${owner}/`)) continue;
      const [guestId, portId] = alias.slice(owner.length + 1).split("/");
      if (guestId !== undefined && portId !== undefined) taps.set(portId, guestId);
    }
  }

  return {
    load,
    async ensure({ id, uid }, interfaces) {
      const missing = interfaces.filter(({ portId }) => taps.get(portId) !== id);
      if (missing.length > 0) {
        const commands = missing.flatMap(({ portId, mtu }) => [
          `tuntap add dev ${tapName(portId)} mode tap user ${uid}`,
          `link set dev ${tapName(portId)} alias ${aliasOf(id, portId)}`,
          // The host itself has no business on the guest's network: no address of its own there.
          `link set dev ${tapName(portId)} mtu ${mtu} addrgenmode none up`,
        ]);
        try {
          await links.batch(commands, "making taps");
        } catch {
          // Left half-made by an earlier attempt; no process has them open, or they would be known.
          await removeTaps(
            links,
            missing.map(({ portId }) => tapName(portId)),
          );
          await links.batch(commands, "making taps");
        }
        for (const { portId } of missing) taps.set(portId, id);
      }
      await ovs.ensurePorts(interfaces.map((each) => switchPort(id, each)));
    },
    unplug: (portIds) => ovs.removePorts(portIds.map(tapName)),
    remove,
    removeAll: (guestId) => remove(guestId, [...new Set([...portsOf(guestId), ...plugged(guestId)])]),
    holds: (guestId) => portsOf(guestId).length > 0 || plugged(guestId).length > 0,
    up: (portIds) =>
      portIds.filter((portId) => taps.has(portId) && ovs.portOf(portId)?.externalIds["ovn-installed"] === "true"),
    async guests() {
      await load();
      const inSwitch = ovs
        .ports()
        .flatMap(({ name, externalIds }) => (name.startsWith("tap") ? (externalIds["vm-id"] ?? []) : []));
      return new Set([...taps.values(), ...inSwitch]);
    },
  };
}

/** `iface-id` is what ovn-controller binds by; the others are what Nova sets too (nova/virt/libvirt/vif.py, os-vif). */
const switchPort = (guestId: string, { portId, macAddress }: GuestInterface): SwitchPort => ({
  name: tapName(portId),
  type: "",
  externalIds: { "iface-id": portId, "iface-status": "active", "attached-mac": macAddress, "vm-id": guestId },
});

async function removeTaps(links: Links, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const there = new Set((await links.list()).map(({ name }) => name));
  const commands = names.filter((name) => there.has(name)).map((name) => `link del dev ${name}`);
  await links.batch(commands, "removing taps");
}
