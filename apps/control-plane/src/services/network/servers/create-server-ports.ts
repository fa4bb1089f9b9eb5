import { notImplemented } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { CreateServerPorts, ServerPort } from "./server-ports.model.ts";

/** Makes (for networks) and takes (for given ports) a new server's interfaces. Throws what Nova answers: 400, 403, 404, 409. */
export function createServerPorts(_tx: Transaction, _request: CreateServerPorts): Promise<ServerPort[]> {
  throw notImplemented("being written");
}
