import { notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import type { Filters, ListRequest } from "../common/list-request.ts";
import {
  MESSAGE_SORT_KEYS,
  type Message,
  type MessageFilter,
  deleteMessageRow,
  findMessage,
  listMessages,
} from "./message.queries.ts";

export type { Message } from "./message.queries.ts";
export const MESSAGE_SORTS = MESSAGE_SORT_KEYS;

export function readMessages(request: ApiRequest, list: ListRequest, filters: Filters): Promise<Message[]> {
  const names: { readonly [wire: string]: keyof MessageFilter } = {
    resource_uuid: "resourceId",
    resource_type: "resourceType",
    event_id: "eventId",
    request_id: "requestId",
    message_level: "level",
  };
  const filter = Object.fromEntries(Object.entries(filters).map(([name, value]) => [names[name] ?? name, value]));
  return listMessages(request.app.db, list, filter);
}

export const getMessage = (request: ApiRequest, id: string): Promise<Message | null> =>
  findMessage(request.app.db, id, scopeOf(request));

export async function deleteMessage(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const message = await findMessage(tx.sql, id, scopeOf(request));
    if (message === null) throw notFound(`message ${id} could not be found.`.slice(0, 400));
    await deleteMessageRow(tx.sql, id);
    tx.event({
      action: "volume.message.delete",
      target: { type: "message", id, projectId: message.projectId },
    });
  });
}
