/** Messages to customers on the wire (microversion 3.3). */
import { notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, noContent } from "../../../http/service.ts";
import { pageLinks, pagedSince, readFilters, readListRequest } from "../common/list-request.ts";
import { isoTime, linksOf } from "../common/wire.ts";
import { MESSAGE_SORTS, type Message, deleteMessage, getMessage, readMessages } from "./read-messages.ts";

const toMessage = (request: ApiRequest, message: Message): object => ({
  id: message.id,
  event_id: message.eventId,
  user_message: message.text,
  message_level: message.level,
  created_at: isoTime(message.createdAt),
  guaranteed_until: isoTime(message.expiresAt),
  request_id: message.requestId ?? "",
  resource_type: message.resourceType,
  resource_uuid: message.resourceId,
  links: linksOf(request, `messages/${message.id}`),
});

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["message_id"] ?? "";

const FILTERS = ["resource_uuid", "resource_type", "event_id", "request_id", "message_level"];

export async function listMessages(request: ApiRequest): Promise<Reply> {
  const asked = pagedSince(request, 5);
  const list = readListRequest(asked, { sortKeys: MESSAGE_SORTS });
  const messages = await readMessages(request, list, readFilters(asked, { enabled: FILTERS, known: FILTERS }));
  return {
    status: 200,
    body: {
      messages: messages.map((message) => toMessage(request, message)),
      ...pageLinks(asked, "messages_links", list, messages),
    },
  };
}

export async function showMessage(request: ApiRequest): Promise<Reply> {
  const message = await getMessage(request, idOf(request));
  if (message === null) throw notFound(`message ${idOf(request)} could not be found.`.slice(0, 400));
  return { status: 200, body: { message: toMessage(request, message) } };
}

export async function removeMessage(request: ApiRequest): Promise<Reply> {
  await deleteMessage(request, idOf(request));
  return noContent();
}
