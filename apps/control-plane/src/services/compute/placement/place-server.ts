/** Finding room: reads, chooses, claims, and starts over when somebody else was faster. */
import type { Queryable } from "../../../db/database.ts";
import { claimRoom, hostsOfServers, listCapacities } from "../hosts/host.queries.ts";
import { type FlavorCopy, diskGibOf } from "../servers/server.model.ts";
import { type Demand, type HostCapacity, chooseHost } from "./choose-host.ts";

/** Where a server may go, by what its request said. */
export type Wish = { zone: string | null; host: string | null; hints: { [key: string]: unknown }; projectId: string };

/** What a flavor takes of a host. */
export const roomOf = (flavor: FlavorCopy): Pick<Demand, "vcpus" | "memoryMib" | "diskGib"> => ({
  vcpus: flavor.vcpus,
  memoryMib: flavor.ramMib,
  diskGib: diskGibOf(flavor),
});

/** The hints that we honour; others are accepted and ignored, as a scheduler without their filter does. */
export async function toDemand(sql: Queryable, flavor: FlavorCopy, wish: Wish): Promise<Demand> {
  const different = idsOf(wish.hints["different_host"]);
  const same = idsOf(wish.hints["same_host"]);
  const [notOn, onlyOn] = await Promise.all([
    different.length === 0 ? [] : hostsOfServers(sql, wish.projectId, different),
    same.length === 0 ? null : hostsOfServers(sql, wish.projectId, same),
  ]);
  return { ...roomOf(flavor), zone: wish.zone, host: wish.host, notOn, onlyOn };
}

const idsOf = (hint: unknown): string[] => {
  if (typeof hint === "string") return [hint];
  return Array.isArray(hint) ? hint.filter((id) => typeof id === "string") : [];
};

/** Claims room for one server on the best host. Null: no host has it. `known`: capacities read a moment ago. */
export async function claimBestHost(
  sql: Queryable,
  demand: Demand,
  known?: HostCapacity[],
): Promise<{ host: string; zone: string } | null> {
  const tried = new Set<string>();
  let hosts = known ?? (await listCapacities(sql));
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const chosen = chooseHost(hosts, demand, tried);
    if (chosen === null) return null;
    const zone = await claimRoom(sql, chosen.name, demand);
    if (zone !== null) return { host: chosen.name, zone };
    tried.add(chosen.name);
    hosts = await listCapacities(sql);
  }
  return null;
}
