import type { Queryable } from "@andromede/platform/db/database";

import { type NetworkUse, listNetworkUse } from "./ip-availability.queries.ts";

export type { NetworkUse } from "./ip-availability.queries.ts";

export const readNetworkUse = (sql: Queryable, id?: string): Promise<NetworkUse[]> => listNetworkUse(sql, id);
