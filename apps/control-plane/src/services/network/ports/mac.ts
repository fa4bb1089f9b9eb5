import { randomBytes } from "node:crypto";

import { conflict } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import { chooseMac } from "./port.queries.ts";

/** In OpenStack's own range. */
const randomMac = (): string =>
  `fa:16:3e:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`;

/** A MAC address that nobody on the network has. */
export async function freeMac(sql: Queryable, networkId: string): Promise<string> {
  const mac = await chooseMac(sql, networkId, Array.from({ length: 4 }, randomMac));
  if (mac === null)
    throw conflict(`Unable to generate unique mac on network ${networkId}.`, { type: "MacAddressGenerationFailure" });
  return mac;
}
