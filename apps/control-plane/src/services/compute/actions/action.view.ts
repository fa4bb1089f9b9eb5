/** Instance actions on the wire, by microversion. Pure. */
import { isoMicroseconds } from "../common/wire.ts";
import { type ServerAction, eventName } from "./action.model.ts";

type Viewer = { version: number; isAdmin: boolean; hostIdOf: (host: string) => string };

export const toActionEntry = (action: ServerAction, { version }: Pick<Viewer, "version">): object => ({
  action: action.action,
  instance_uuid: action.serverId,
  request_id: action.requestId,
  user_id: action.userId,
  project_id: action.actorProjectId,
  start_time: isoMicroseconds(action.startedAt),
  message: action.message,
  ...(version >= 58 ? { updated_at: isoMicroseconds(action.updatedAt) } : {}),
});

/** Events are an operator's to see until 2.51; what went wrong in detail stays theirs. */
export function toActionView(action: ServerAction, viewer: Viewer): object {
  const name = eventName(action.action);
  const shown = viewer.isAdmin || viewer.version >= 51;
  return {
    ...toActionEntry(action, viewer),
    ...(shown ? { events: name === null ? [] : [toEvent(action, name, viewer)] } : {}),
  };
}

const toEvent = (action: ServerAction, name: string, { version, isAdmin, hostIdOf }: Viewer): object => ({
  event: name,
  start_time: isoMicroseconds(action.startedAt),
  finish_time: action.finishedAt === null ? null : isoMicroseconds(action.finishedAt),
  result: action.result,
  ...(isAdmin ? { traceback: null } : {}),
  ...(version >= 62
    ? { hostId: action.host === null ? "" : hostIdOf(action.host), ...(isAdmin ? { host: action.host } : {}) }
    : {}),
  ...(version >= 84 ? { details: action.details } : {}),
});
