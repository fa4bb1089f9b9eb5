/** Finding room: reads, chooses, claims, and starts over when somebody else was faster. */
import type { Queryable } from "@andromede/platform/db/database";

import { claimRoom, hostsOfServers, listCapacities } from "../hosts/host.queries.ts";
import { type FlavorCopy, diskGibOf } from "../servers/server.model.ts";
import { aggregateMetadataByHost } from "../aggregates/aggregate.queries.ts";
import { aggregateSpecsOf, meetsSpecs } from "../aggregates/aggregate.model.ts";
import { countGroupMembers, lockServerGroup } from "../server-groups/server-group.queries.ts";
import { type Demand, type HostCapacity, type PlacedGroup, chooseHost } from "./choose-host.ts";

/** Where a server may go, by what its request said. `serverId`: one that is there already, and counts in its group nowhere. */
export type Wish = {
  zone: string | null;
  host: string | null;
  hints: { [key: string]: unknown };
  projectId: string;
  serverId?: string;
};

/** What a flavor takes of a host. */
export const roomOf = (flavor: FlavorCopy): Pick<Demand, "vcpus" | "memoryMib" | "diskGib"> => ({
  vcpus: flavor.vcpus,
  memoryMib: flavor.ramMib,
  diskGib: diskGibOf(flavor),
});

/**
 * The hints that we honour; others are accepted and ignored, as a scheduler without their filter does. A server group is
 * held until the caller's transaction ends, so that its members are placed one after the other: call this before other locks.
 */
export async function toDemand(sql: Queryable, flavor: FlavorCopy, wish: Wish): Promise<Demand> {
  const different = idsOf(wish.hints["different_host"]);
  const same = idsOf(wish.hints["same_host"]);
  const specs = aggregateSpecsOf(flavor.extraSpecs);
  const [notOn, onlyOn, suitable, group] = await Promise.all([
    different.length === 0 ? [] : hostsOfServers(sql, wish.projectId, different),
    same.length === 0 ? null : hostsOfServers(sql, wish.projectId, same),
    specs.length === 0 ? null : hostsThatMeet(sql, specs),
    groupOf(sql, wish),
  ]);
  const allowed =
    onlyOn === null || suitable === null ? (onlyOn ?? suitable) : onlyOn.filter((host) => suitable.includes(host));
  return { ...roomOf(flavor), zone: wish.zone, host: wish.host, notOn, onlyOn: allowed, group };
}

/** A flavor that asks for hosts of a kind finds them by what their aggregates say. */
async function hostsThatMeet(sql: Queryable, specs: [string, string][]): Promise<string[]> {
  const metadata = await aggregateMetadataByHost(sql);
  return [...metadata].flatMap(([host, ofHost]) => (meetsSpecs(ofHost, specs) ? [host] : []));
}

/** The group's id in the hints; null: none, or one that was deleted since. */
export function groupHintOf(hints: Wish["hints"]): string | null {
  const hint = hints["group"];
  const id = Array.isArray(hint) ? (hint as unknown[])[0] : hint;
  return typeof id === "string" ? id : null;
}

async function groupOf(sql: Queryable, wish: Wish): Promise<PlacedGroup | null> {
  const id = groupHintOf(wish.hints);
  const group = id === null ? null : await lockServerGroup(sql, id, wish.projectId);
  if (group === null) return null;
  const counts = await countGroupMembers(sql, group.id, wish.serverId ?? null);
  const members = new Map(counts.flatMap(({ host, servers }) => (host === null ? [] : [[host, servers] as const])));
  return { policy: group.policy, maxPerHost: group.maxServerPerHost ?? 1, members };
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
