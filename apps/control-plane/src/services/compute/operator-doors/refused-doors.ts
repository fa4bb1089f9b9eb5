/** Doors that other OpenStack services use behind the scenes: here there is nobody behind them, and they say so. */
import { invalid, notFound, unauthenticated } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { consoleOf } from "../consoles/open-console.ts";

export const assistedSnapshotSchema = {
  type: "object",
  required: ["snapshot"],
  additionalProperties: false,
  properties: {
    snapshot: {
      type: "object",
      required: ["volume_id", "create_info"],
      additionalProperties: false,
      properties: {
        volume_id: { type: "string", minLength: 1, maxLength: 255 },
        create_info: { type: "object", additionalProperties: true, maxProperties: 20 },
      },
    },
  },
} as const;

/** Cinder's remote file systems have Nova take their snapshots; our volumes' own agents do. */
export function refuseAssistedSnapshot(): never {
  throw invalid("Volumes here take their snapshots themselves: ask the volume service for one.");
}

export function refuseAssistedDeletion(request: ApiRequest): never {
  const id = request.params["snapshot_id"] ?? "";
  throw notFound(`Snapshot ${id.slice(0, 100)} could not be found.`);
}

/** Which server a console's token opens; proxies of consoles ask this, and until 2.31 only those of RDP may. */
export async function showConsoleToken(request: ApiRequest): Promise<Reply> {
  const found = await consoleOf(request.app, request.params["token"] ?? "");
  if (found === null) throw notFound("Token not found");
  if (request.version < 31) throw unauthenticated("The requested console type details are not accessible");
  const { hostname, port } = new URL(request.baseUrl);
  return {
    status: 200,
    body: {
      console: {
        instance_uuid: found.serverId,
        host: hostname,
        port: Number(port === "" ? 443 : port),
        internal_access_path: null,
      },
    },
  };
}
