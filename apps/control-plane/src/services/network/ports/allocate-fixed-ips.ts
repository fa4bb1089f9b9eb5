import type { Queryable } from "../../../db/database.ts";
import { takeAddress, takeAnyAddress } from "./allocate-address.ts";
import { type AddressWish, noAddressLeft } from "./fixed-ips.plan.ts";
import { type FixedIp, addressInUse } from "./port.model.ts";

/** Takes what the plan says, in its order; throws when an address is taken or none is left. */
export async function takeFixedIps(sql: Queryable, networkId: string, portId: string, wishes: AddressWish[]): Promise<FixedIp[]> {
  const taken: FixedIp[] = [];
  for (const wish of wishes) taken.push(await takeOne(sql, networkId, portId, wish));
  return taken;
}

async function takeOne(sql: Queryable, networkId: string, portId: string, wish: AddressWish): Promise<FixedIp> {
  if (wish.kind === "held") return wish.ip;
  if (wish.kind === "address") {
    if (!(await takeAddress(sql, wish.subnet, portId, wish.address))) throw addressInUse(wish.address, wish.subnet.id);
    return { subnet_id: wish.subnet.id, ip_address: wish.address };
  }
  for (const subnet of wish.subnets) {
    const address = await takeAnyAddress(sql, subnet, portId);
    if (address !== null) return { subnet_id: subnet.id, ip_address: address };
  }
  throw noAddressLeft(networkId);
}
