import { nextPageQuery } from "../../../http/paging.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { nextLink } from "../common/wire.ts";
import { toHostId } from "../servers/read-servers.ts";
import { toActionEntry, toActionView } from "./action.view.ts";
import { readAction, readActions } from "./read-actions.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["server_id"] ?? "";

export async function listActionsHandler(request: ApiRequest): Promise<Reply> {
  const { actions, more } = await readActions(request, idOf(request));
  const last = actions.at(-1);
  return {
    status: 200,
    body: {
      instanceActions: actions.map((action) => toActionEntry(action, request)),
      ...(more && last !== undefined
        ? {
            links: nextLink(
              request,
              `servers/${idOf(request)}/os-instance-actions`,
              nextPageQuery(request.query, last.requestId),
            ),
          }
        : {}),
    },
  };
}

export async function showAction(request: ApiRequest): Promise<Reply> {
  const action = await readAction(request, idOf(request), request.params["request_id"] ?? "");
  const viewer = {
    version: request.version,
    isAdmin: asksAsAdmin(request),
    hostIdOf: (host: string) => toHostId({ host, projectId: action.projectId }),
  };
  return { status: 200, body: { instanceAction: toActionView(action, viewer) } };
}
