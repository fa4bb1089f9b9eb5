import type { Queryable } from "@andromede/platform/db/database";

import type { AddressSpace } from "../subnets/subnet.model.ts";
import { prepareAllocation, startAllocation, takeAddress } from "./allocate-address.ts";
import { type AddressWish, noAddressLeft } from "./fixed-ips.plan.ts";
import { type FixedIp, addressInUse } from "./port.model.ts";

/** `guess` is what the port's row may already say; `taken` is what it must say in the end. */
export type FixedIpsAllocation = { guess: FixedIp[]; taken: Promise<FixedIp[]> };

/** Subnets that something will be taken from. May be called, and awaited, long before. */
export async function prepareFixedIps(sql: Queryable, subnets: AddressSpace[]): Promise<void> {
  await Promise.all(subnets.map((subnet) => prepareAllocation(sql, subnet)));
}

/** Sends for what the plan says; `taken` rejects when an address is somebody's or none is left. */
export function startFixedIps(
  sql: Queryable,
  networkId: string,
  portId: string,
  wishes: AddressWish[],
): FixedIpsAllocation {
  const started = wishes.map((wish) => startOne(sql, networkId, portId, wish));
  const taken = Promise.all(started.map((one) => one.taken));
  taken.catch(() => undefined);
  return { guess: started.flatMap((one) => (one.guess === null ? [] : [one.guess])), taken };
}

type Started = { guess: FixedIp | null; taken: Promise<FixedIp> };

function startOne(sql: Queryable, networkId: string, portId: string, wish: AddressWish): Started {
  if (wish.kind === "held") return { guess: wish.ip, taken: Promise.resolve(wish.ip) };
  if (wish.kind === "address") {
    const ip = { subnet_id: wish.subnet.id, ip_address: wish.address };
    const taken = takeAddress(sql, wish.subnet, portId, wish.address).then((free) => {
      if (free) return ip;
      throw addressInUse(wish.address, wish.subnet.id);
    });
    return { guess: ip, taken };
  }
  return startAny(sql, networkId, portId, wish.subnets);
}

/** The first subnet that has an address left. */
function startAny(sql: Queryable, networkId: string, portId: string, subnets: AddressSpace[]): Started {
  const [subnet, ...others] = subnets;
  if (subnet === undefined) return { guess: null, taken: Promise.reject(noAddressLeft(networkId)) };
  const { guess, taken } = startAllocation(sql, subnet, portId);
  return {
    guess: guess === null ? null : { subnet_id: subnet.id, ip_address: guess },
    taken: taken.then((address) =>
      address === null ? startAny(sql, networkId, portId, others).taken : { subnet_id: subnet.id, ip_address: address },
    ),
  };
}

/** The same, awaited: for what changes a port that is there. */
export async function takeFixedIps(
  sql: Queryable,
  networkId: string,
  portId: string,
  wishes: AddressWish[],
): Promise<FixedIp[]> {
  await prepareFixedIps(
    sql,
    wishes.flatMap((wish) => (wish.kind === "any" ? wish.subnets.slice(0, 1) : [])),
  );
  return startFixedIps(sql, networkId, portId, wishes).taken;
}
