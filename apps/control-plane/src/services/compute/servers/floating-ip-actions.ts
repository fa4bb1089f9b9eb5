/** Actions addFloatingIp and removeFloatingIp: Nova's older door to floating IPs, up to 2.43. */
import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { addServerFloatingIp, removeServerFloatingIp } from "../../network/public.ts";
import { getServerLocked } from "./read-servers.ts";

/** The server's own project's floating IP, whoever asks. */
export async function changeFloatingIp(
  request: ApiRequest,
  id: string,
  change: { add: string; fixedAddress: string | null } | { remove: string },
): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const { projectId } = await getServerLocked(tx.sql, request, id);
    const of = { serverId: id, projectId };
    if ("remove" in change) await removeServerFloatingIp(tx, { ...of, address: change.remove });
    else await addServerFloatingIp(tx, { ...of, address: change.add, fixedAddress: change.fixedAddress });
  });
}
