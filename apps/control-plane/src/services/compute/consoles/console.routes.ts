import { route } from "../../../http/service.ts";
import { remoteConsoleSchema } from "../servers/server.schema.ts";
import { postRemoteConsole } from "./console.handlers.ts";

export const consoleRoutes = [
  route({
    method: "POST",
    path: "/v2.1/servers/:server_id/remote-consoles",
    since: 6,
    rule: "os_compute_api:os-remote-consoles",
    body: remoteConsoleSchema,
    handler: postRemoteConsole,
  }),
];
