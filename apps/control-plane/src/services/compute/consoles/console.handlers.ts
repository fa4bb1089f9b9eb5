import { invalid } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import type { RemoteConsoleBody } from "../servers/server.schema.ts";
import { openConsole } from "./open-console.ts";

/** Microversion 2.6: one verb for all kinds of console. Ours are VNC for noVNC, and the serial line. */
export async function postRemoteConsole(request: ApiRequest<RemoteConsoleBody>): Promise<Reply> {
  const { protocol, type } = request.body.remote_console;
  const known = (protocol === "vnc" && type === "novnc") || (protocol === "serial" && type === "serial");
  if (!known) throw invalid(`Unavailable console type ${type}.`);
  const url = await openConsole(request, request.params["server_id"] ?? "", protocol as "vnc" | "serial");
  return { status: 200, body: { remote_console: { protocol, type, url } } };
}
