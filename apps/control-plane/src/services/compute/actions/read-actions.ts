import { invalid, notFound } from "@andromede/base/errors";

import { readPaging } from "../../../http/paging.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { scopeOf } from "../common/actor.ts";
import { readDate } from "../servers/list-query.ts";
import { getServer, unknownServer } from "../servers/read-servers.ts";
import type { ServerAction } from "./action.model.ts";
import { findAction, findActionOwner, listActions } from "./action.queries.ts";

/** Whose actions they are; from 2.21 on also those of a server that is gone. */
async function ownerOf(request: ApiRequest, serverId: string): Promise<string> {
  if (request.version < 21) return (await getServer(request, serverId)).projectId;
  const owner = (await findActionOwner(request.app.db, serverId)) ?? (await getServer(request, serverId)).projectId;
  const scope = scopeOf(request);
  if (scope !== null && scope !== owner) throw unknownServer(serverId);
  return owner;
}

export async function readActions(
  request: ApiRequest,
  serverId: string,
): Promise<{ actions: ServerAction[]; more: boolean }> {
  await ownerOf(request, serverId);
  const paged = request.version >= 58;
  const { limit, marker } = paged
    ? readPaging(request.query, { maxLimit: 1000 })
    : { limit: 10_000, marker: undefined };
  const since = paged ? readDate(request.query, "changes-since") : undefined;
  const before = request.version >= 66 ? readDate(request.query, "changes-before") : undefined;
  const actions = await listActions(request.app.db, serverId, {
    limit,
    ...(marker === undefined ? {} : { marker }),
    ...(since === undefined ? {} : { changesSince: since }),
    ...(before === undefined ? {} : { changesBefore: before }),
  });
  if (actions === null) throw invalid(`Marker ${marker ?? ""} could not be found.`);
  return { actions, more: paged && limit > 0 && actions.length === limit };
}

export async function readAction(request: ApiRequest, serverId: string, requestId: string): Promise<ServerAction> {
  await ownerOf(request, serverId);
  const action = await findAction(request.app.db, serverId, requestId);
  if (action === null) throw notFound(`Action for request_id ${requestId} on instance ${serverId} not found`);
  return action;
}
