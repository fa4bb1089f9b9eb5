import { route } from "../../../http/service.ts";
import { listActionsHandler, showAction } from "./action.handlers.ts";

const ACTIONS = "/v2.1/servers/:server_id/os-instance-actions";

export const actionRoutes = [
  route({ method: "GET", path: ACTIONS, rule: "os_compute_api:os-instance-actions:list", handler: listActionsHandler }),
  route({
    method: "GET",
    path: `${ACTIONS}/:request_id`,
    rule: "os_compute_api:os-instance-actions:show",
    handler: showAction,
  }),
];
