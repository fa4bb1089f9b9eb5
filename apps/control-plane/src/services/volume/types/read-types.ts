/** Types as the actor may see them. */
import { notFound } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin, projectOf } from "../common/actor.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { VolumeType } from "./type.model.ts";
import { TYPE_SORT_KEYS, findDefaultType, findType, listTypes } from "./type.queries.ts";

export const noType = (id: string) => notFound(`Volume type ${id} could not be found.`.slice(0, 400));

export async function readType(request: ApiRequest, id: string): Promise<VolumeType> {
  const type =
    id === "default"
      ? await findDefaultType(request.app.db, request.actor.projectId)
      : await findType(request.app.db, id, asksAsAdmin(request) ? null : projectOf(request));
  if (type === null) throw noType(id);
  return type;
}

export const TYPE_SORTS = TYPE_SORT_KEYS;

export const readTypes = (
  request: ApiRequest,
  list: ListRequest,
  filter: { isPublic?: boolean; extraSpecs?: { [key: string]: string } },
): Promise<VolumeType[]> =>
  listTypes(request.app.db, { ...list, projectId: asksAsAdmin(request) ? null : projectOf(request) }, filter);
