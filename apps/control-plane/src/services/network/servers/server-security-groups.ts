import { notImplemented } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";

type ServerGroup = { serverId: string; projectId: string; isAdmin: boolean; /** Name or id. */ securityGroup: string };

/** Nova's action addSecurityGroup: on every port of the server. Unknown group 404, several of the name 409. */
export function addServerSecurityGroup(_tx: Transaction, _request: ServerGroup): Promise<void> {
  throw notImplemented("being written");
}

/** Nova's action removeSecurityGroup. Unknown group 404, not on any port of the server 404. */
export function removeServerSecurityGroup(_tx: Transaction, _request: ServerGroup): Promise<void> {
  throw notImplemented("being written");
}
