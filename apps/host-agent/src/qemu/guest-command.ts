/**
 * Layout -> QEMU's command line. Pure; golden tests beside it.
 *
 * Paths are those inside the guest's jail (guest-jail.ts). What is on the root bus stays for the machine's life; network
 * cards and volumes sit behind root ports, where they can be plugged and unplugged.
 */
import { CONFIG_DRIVE_PATH, diskPath, keyPath, runPath, sharedVolumePath, volumePath } from "./guest-jail.ts";
import type { LayoutDisk, LayoutInterface, LayoutVolume, MachineLayout } from "./layout.ts";

/** Memory that TCG may fill with translated code. */
export const TCG_CACHE_MIB = 256;
/** The last of the guest's console output that QEMU itself keeps, for an agent that was away. */
export const CONSOLE_RING_BYTES = 262_144;
/** Passed to QEMU as a descriptor: the device's node belongs to root. */
export const KVM_FD = 3;

/** What the server of a shared volume calls it. */
export const SERVED_EXPORT = "volume";

/** The name by which qemu-guest-agent and the service files around it know the port. */
const AGENT_PORT = "org.qemu.guest_agent.0";

/** What QEMU's JSON and its command line both say. Nested members are a command line's dotted ones. */
type Options = { [name: string]: string | number | boolean | Options };

/** First device number of the root ports on the root bus. */
const SLOT_DEVICE = 0x10;

/** QEMU's argv, itself first. `resume`: it waits for a saved state. */
export function guestCommand(layout: MachineLayout, options: { resume: boolean }): string[] {
  return [
    "qemu-system-x86_64",
    ...machinePart(layout),
    ...consolePart(),
    ...agentPart(),
    ...rootPorts(layout.slots),
    ...layout.disks.flatMap((disk, at) => (disk.volume === null ? diskPart(disk, at) : volumePart(disk, disk.volume))),
    ...(layout.configDrive ? configDrivePart() : []),
    ...layout.interfaces.flatMap((each) => [
      "-netdev",
      toOptions(netdevOf(each)),
      "-device",
      toOptions(nicOf(each, layout.datapath)),
    ]),
    ...(options.resume ? ["-incoming", "defer"] : []),
  ];
}

function machinePart(layout: MachineLayout): string[] {
  const { accelerator, vcpus, memoryMib } = layout;
  return [
    ["-name", `guest=${layout.processName},debug-threads=on`],
    ["-uuid", layout.id],
    // By this product name cloud-init and others know that there is OpenStack's metadata (cloud-init: DataSourceOpenStack).
    ["-smbios", `type=1,manufacturer=Andromede,product=OpenStack Nova,serial=${layout.id},family=Virtual Machine`],
    // Nothing runs before the network does, and before the agent holds the monitor.
    ["-S"],
    ["-no-user-config", "-nodefaults"],
    ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ["-msg", "timestamp=on"],
    ["-machine", "q35,vmport=off,smm=off"],
    acceleratorPart(accelerator),
    ["-smp", String(vcpus)],
    ["-m", `size=${memoryMib}M`],
    ["-rtc", "base=utc"],
    ["-boot", "strict=on"],
    // Sleeping is the host's business: a guest that suspends itself to RAM could not be woken through the API.
    ["-global", "ICH9-LPC.disable_s3=1", "-global", "ICH9-LPC.disable_s4=1"],
    // A panicked guest stays up for its owner to read, or reboots by its own setting.
    ["-action", "panic=none"],
    ["-qmp", `unix:${runPath("qmp.sock")},server=on,wait=off`],
    ["-object", "rng-random,id=entropy,filename=/dev/urandom"],
    ["-device", "virtio-rng-pci,id=rng,rng=entropy,bus=pcie.0,addr=0x2"],
    ["-device", "pvpanic,id=panic"],
  ].flat();
}

function acceleratorPart(accelerator: "kvm" | "tcg"): string[] {
  if (accelerator === "tcg") return ["-accel", `tcg,thread=multi,tb-size=${TCG_CACHE_MIB}`, "-cpu", "max"];
  return ["-add-fd", `fd=${KVM_FD},set=1`, "-accel", "kvm,device=/dev/fdset/1", "-cpu", "host"];
}

function consolePart(): string[] {
  return [
    ["-display", "none"],
    ["-vnc", `unix:${runPath("vnc.sock")},share=force-shared`],
    ["-device", "VGA,id=video,bus=pcie.0,addr=0x1"],
    ["-device", "virtio-tablet-pci,id=tablet,bus=pcie.0,addr=0x3"],
    // The agent reads the socket; what comes while it is away, it finds in the ring. Neither can fill a disk.
    ["-chardev", `socket,id=serial-socket,path=${runPath("serial.sock")},server=on,wait=off`],
    ["-chardev", `ringbuf,id=serial-ring,size=${CONSOLE_RING_BYTES}`],
    ["-chardev", "hub,id=serial,chardevs.0=serial-socket,chardevs.1=serial-ring"],
    ["-device", "isa-serial,id=serial0,chardev=serial"],
  ].flat();
}

/** For an agent inside the guest, if its owner runs one; nobody need listen at either end. */
function agentPart(): string[] {
  return [
    ["-device", "virtio-serial-pci,id=ports,bus=pcie.0,addr=0x4"],
    ["-chardev", `socket,id=agent,path=${runPath("agent.sock")},server=on,wait=off`],
    ["-device", `virtserialport,id=agent-port,bus=ports.0,chardev=agent,name=${AGENT_PORT}`],
  ].flat();
}

function rootPorts(slots: number): string[] {
  return Array.from({ length: slots }, (_none, slot) => {
    const device = SLOT_DEVICE + Math.floor(slot / 8);
    const position = `addr=0x${device.toString(16)}.0x${slot % 8}${slot % 8 === 0 ? ",multifunction=on" : ""}`;
    return ["-device", `pcie-root-port,id=slot${slot},bus=pcie.0,chassis=${slot + 1},${position},io-reserve=0`];
  }).flat();
}

/** Names of block nodes may have 31 characters, too few for a disk's id: they go by position. */
function diskPart({ id, bootIndex, slot }: LayoutDisk, at: number): string[] {
  const bus = slot === null ? "pcie.0" : `slot${slot}`;
  return [
    ["-blockdev", `driver=file,node-name=file${at},filename=${diskPath(id)},aio=threads,discard=unmap`],
    ["-blockdev", `driver=qcow2,node-name=${ownNode(at)},file=file${at},discard=unmap`],
    [
      "-device",
      `virtio-blk-pci,id=${diskDeviceId(id)},drive=${ownNode(at)},bus=${bus},serial=${id.slice(0, 20)}` +
        (bootIndex === null ? "" : `,bootindex=${bootIndex}`),
    ],
  ].flat();
}

/** The key's file is the jail's, in memory, and gone once QEMU has read it. */
function volumePart(disk: LayoutDisk, volume: LayoutVolume): string[] {
  const key = volume.encrypted ? ["-object", `secret,id=${secretId(volume)},file=${keyPath(volume.slot)}`] : [];
  return [
    ...key,
    "-blockdev",
    toOptions(volumeNodeOf(volume), "driver="),
    "-device",
    toOptions(volumeDeviceOf(disk, volume)),
  ];
}

/**
 * Members for `-blockdev` or `blockdev-add`. There is one process that writes a volume: this guest's, or the one that
 * serves a shared volume to all its guests (storage/shared-volumes.ts).
 */
export function volumeNodeOf(volume: LayoutVolume): Options & { driver: string; "node-name": string } {
  const readOnly = volume.readOnly ? { "read-only": true } : {};
  if (volume.shared) {
    return {
      driver: "nbd",
      "node-name": volumeNode(volume),
      discard: "unmap",
      ...readOnly,
      export: SERVED_EXPORT,
      server: { type: "unix", path: sharedVolumePath(volume.volumeId) },
    };
  }
  return {
    driver: "qcow2",
    "node-name": volumeNode(volume),
    discard: "unmap",
    ...readOnly,
    ...(volume.encrypted ? { encrypt: { format: "luks", "key-secret": secretId(volume) } } : {}),
    file: { driver: "file", filename: volumePath(volume.volumeId), aio: "threads", discard: "unmap", ...readOnly },
  };
}

/** Members for `-device` or `device_add`. */
export function volumeDeviceOf({ id, bootIndex }: LayoutDisk, volume: LayoutVolume): Properties<"driver"> {
  return {
    driver: "virtio-blk-pci",
    id: diskDeviceId(id),
    drive: volumeNode(volume),
    bus: `slot${volume.slot}`,
    serial: id.slice(0, 20),
    ...(bootIndex === null ? {} : { bootindex: bootIndex }),
  };
}

export const volumeNode = ({ slot }: LayoutVolume): string => `volume${slot}`;
export const secretId = ({ slot }: LayoutVolume): string => `key${slot}`;
export const diskDeviceId = (diskId: string): string => `virtio-${diskId}`;

/** The node of a disk of the guest's own, by its position among all. */
export const ownNode = (at: number): string => `disk${at}`;

function configDrivePart(): string[] {
  return [
    ["-blockdev", `driver=file,node-name=file-config,filename=${CONFIG_DRIVE_PATH},read-only=on`],
    ["-blockdev", "driver=raw,node-name=disk-config,file=file-config,read-only=on"],
    ["-device", "virtio-blk-pci,id=virtio-config,drive=disk-config,bus=pcie.0,serial=config-2"],
  ].flat();
}

type Properties<Kind extends string> = { [kind in Kind]: string } & {
  id: string;
  [property: string]: string | number | boolean;
};

/** Members for `-netdev` or `netdev_add`. */
export function netdevOf({ portId }: LayoutInterface): Properties<"type"> {
  return { type: "tap", id: netdevId(portId), ifname: `tap${portId.slice(0, 11)}`, script: "no", downscript: "no" };
}

/**
 * Members for `-device` or `device_add`. OVS's userspace datapath tracks connections by the packet's own checksum, which
 * an offloading guest leaves out; the kernel's understands offloads.
 */
export function nicOf(
  { portId, macAddress, mtu, slot }: LayoutInterface,
  datapath: "netdev" | "system",
): Properties<"driver"> {
  const offloads = ["csum", "gso", "guest_csum", "guest_tso4", "guest_tso6", "guest_ecn", "guest_ufo"];
  return {
    driver: "virtio-net-pci",
    id: nicId(portId),
    netdev: netdevId(portId),
    mac: macAddress,
    host_mtu: mtu,
    bus: `slot${slot}`,
    // No network boot: its ROM costs time on each start, and the disk is always first.
    romfile: "",
    ...(datapath === "netdev" ? Object.fromEntries(offloads.map((name) => [name, false])) : {}),
  };
}

export const netdevId = (portId: string): string => `net-${portId}`;
export const nicId = (portId: string): string => `nic-${portId}`;

/** The first value goes without its name, unless `first` says it. */
function toOptions(properties: Options, first = ""): string {
  return flat(properties)
    .map(([name, value], at) => (at === 0 ? `${first}${value}` : `${name}=${value}`))
    .join(",");
}

function flat(properties: Options, prefix = ""): [string, string][] {
  return Object.entries(properties).flatMap(([name, value]): [string, string][] => {
    if (typeof value === "object") return flat(value, `${prefix}${name}.`);
    return [[`${prefix}${name}`, typeof value === "boolean" ? (value ? "on" : "off") : String(value)]];
  });
}

/** What the guest's processes may use in all: its memory, and what QEMU needs beside it. */
export function memoryLimitBytes({ memoryMib, accelerator, vcpus }: MachineLayout): number {
  const beside = 512 + 16 * vcpus + (accelerator === "tcg" ? TCG_CACHE_MIB * 2 : 0);
  return (memoryMib + beside) * 2 ** 20;
}
