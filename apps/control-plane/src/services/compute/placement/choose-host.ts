/** Which host a new server goes to. Pure: the claim that follows is guarded in SQL, so a choice that was overtaken is made again. */

/** As Nova says it. */
export const NO_VALID_HOST = "No valid host was found. There are not enough hosts available.";

/** What a host has, and what was promised of it. */
export type HostCapacity = {
  name: string;
  availabilityZone: string;
  hypervisorHostname: string;
  disabled: boolean;
  /** Its agent answers. */
  up: boolean;
  /** Since when it does not, though nobody says that it should not. */
  lostAt: Date | null;
  vcpus: number;
  memoryMib: number;
  diskGib: number;
  claimedVcpus: number;
  claimedMemoryMib: number;
  claimedDiskGib: number;
};

export type Demand = {
  vcpus: number;
  memoryMib: number;
  diskGib: number;
  zone: string | null;
  /** Name of the only host that will do, for operators. */
  host: string | null;
  /** Hosts that a scheduler hint rules out, or the only ones it allows. */
  notOn: readonly string[];
  onlyOn: readonly string[] | null;
  /** The server group it belongs to, and where its members are; null: none. */
  group: PlacedGroup | null;
};

export type PlacedGroup = {
  policy: "affinity" | "anti-affinity" | "soft-affinity" | "soft-anti-affinity";
  maxPerHost: number;
  /** Host -> members there. */
  members: ReadonlyMap<string, number>;
};

/** The same demand once another server of the group went to a host. */
export function withMemberOn(demand: Demand, host: string): Demand {
  if (demand.group === null) return demand;
  const members = new Map(demand.group.members);
  members.set(host, (members.get(host) ?? 0) + 1);
  return { ...demand, group: { ...demand.group, members } };
}

/** As OpenStack's placement does by default: CPUs are shared by many, memory and disk by nobody. */
export const ALLOCATION_RATIOS = { vcpus: 16, memoryMib: 1, diskGib: 1 } as const;

/** The host with the most memory left among those that fit; null: none does. `tried`: hosts whose claim was lost to another. */
export function chooseHost(
  hosts: readonly HostCapacity[],
  demand: Demand,
  tried: ReadonlySet<string> = new Set(),
): HostCapacity | null {
  let best: HostCapacity | null = null;
  for (const host of hosts) {
    if (tried.has(host.name) || !suits(host, demand) || !fits(host, demand)) continue;
    if (best === null || compare(host, best, demand.group) > 0) best = host;
  }
  return best;
}

/** Would a host do whose agent was lost only after `since`, and may be back any moment? */
export const mayComeBack = (hosts: readonly HostCapacity[], demand: Demand, since: number): boolean =>
  chooseHost(
    hosts.map((host) => ({ ...host, up: host.lostAt !== null && host.lostAt.getTime() > since })),
    demand,
  ) !== null;

function suits(host: HostCapacity, demand: Demand): boolean {
  if (host.disabled || !host.up) return false;
  if (demand.zone !== null && host.availabilityZone !== demand.zone) return false;
  if (demand.host !== null && host.name !== demand.host && host.hypervisorHostname !== demand.host) return false;
  if (demand.notOn.includes(host.name) || !suitsGroup(host, demand.group)) return false;
  return demand.onlyOn === null || demand.onlyOn.includes(host.name);
}

function suitsGroup(host: HostCapacity, group: PlacedGroup | null): boolean {
  if (group?.policy === "affinity") return group.members.size === 0 || group.members.has(host.name);
  return group?.policy !== "anti-affinity" || (group.members.get(host.name) ?? 0) < group.maxPerHost;
}

const fits = (host: HostCapacity, demand: Demand): boolean =>
  // as in placement, one server may not have more CPUs than there are, however many share them
  demand.vcpus <= host.vcpus &&
  host.claimedVcpus + demand.vcpus <= host.vcpus * ALLOCATION_RATIOS.vcpus &&
  host.claimedMemoryMib + demand.memoryMib <= host.memoryMib * ALLOCATION_RATIOS.memoryMib &&
  host.claimedDiskGib + demand.diskGib <= host.diskGib * ALLOCATION_RATIOS.diskGib;

/** A soft policy comes before room: it is what the customer asked for. */
function compare(a: HostCapacity, b: HostCapacity, group: PlacedGroup | null): number {
  const membersOn = (host: HostCapacity): number => group?.members.get(host.name) ?? 0;
  const more = membersOn(a) - membersOn(b);
  const bySoftPolicy = group?.policy === "soft-affinity" ? more : group?.policy === "soft-anti-affinity" ? -more : 0;
  return bySoftPolicy || compareRoom(a, b);
}

const compareRoom = (a: HostCapacity, b: HostCapacity): number =>
  a.memoryMib - a.claimedMemoryMib - (b.memoryMib - b.claimedMemoryMib) ||
  b.claimedVcpus / Math.max(1, b.vcpus) - a.claimedVcpus / Math.max(1, a.vcpus) ||
  (a.name < b.name ? 1 : -1);
