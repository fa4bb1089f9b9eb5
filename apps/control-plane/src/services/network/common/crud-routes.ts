import { type JsonSchema, type Route, route } from "../../../http/service.ts";

type Handler = Route["handler"];

/** The five calls below a collection that nearly every resource has. */
export function crudRoutes(
  path: string,
  noun: string,
  schemas: { create: JsonSchema; update: JsonSchema },
  handlers: { list: Handler; create: Handler; show: Handler; update: Handler; remove: Handler },
): Route[] {
  const one = `${path}/:id`;
  return [
    route({ method: "GET", path, rule: `get_${noun}`, handler: handlers.list }),
    route({ method: "POST", path, rule: `create_${noun}`, body: schemas.create, handler: handlers.create }),
    route({ method: "GET", path: one, rule: `get_${noun}`, handler: handlers.show }),
    route({ method: "PUT", path: one, rule: `update_${noun}`, body: schemas.update, handler: handlers.update }),
    route({ method: "DELETE", path: one, rule: `delete_${noun}`, handler: handlers.remove }),
  ];
}
