import { route } from "../../../http/service.ts";
import { listMessages, removeMessage, showMessage } from "./message.handlers.ts";

const ONE = "/v3/messages/:message_id";

export const messageRoutes = [
  route({ method: "GET", path: "/v3/messages", rule: "message:get_all", since: 3, handler: listMessages }),
  route({ method: "GET", path: ONE, rule: "message:get", since: 3, handler: showMessage }),
  route({ method: "DELETE", path: ONE, rule: "message:delete", since: 3, handler: removeMessage }),
];
