import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { listLinks } from "../shared/identity-links.ts";
import {
  type NewLimit,
  type NewRegisteredLimit,
  type RegisteredLimitChange,
  createLimits,
  createRegisteredLimits,
  deleteLimit,
  deleteRegisteredLimit,
  updateLimit,
  updateRegisteredLimit,
} from "./change-limits.ts";
import { LIMIT_MODEL } from "./limit.model.ts";
import { toLimitView, toRegisteredLimitView } from "./limit.view.ts";
import { readLimit, readLimits, readRegisteredLimit, readRegisteredLimits } from "./read-limits.ts";

const limitId = (request: Pick<ApiRequest, "params">): string => request.params["limit_id"] ?? "";
const registeredId = (request: Pick<ApiRequest, "params">): string => request.params["registered_limit_id"] ?? "";

export const handleShowModel = (): Reply => ok({ model: LIMIT_MODEL });

export async function handleListRegisteredLimits(request: ApiRequest): Promise<Reply> {
  const limits = await readRegisteredLimits(request);
  return ok({
    registered_limits: limits.map((limit) => toRegisteredLimitView(limit, request.baseUrl)),
    links: listLinks(request),
  });
}

export async function handleShowRegisteredLimit(request: ApiRequest): Promise<Reply> {
  const limit = await readRegisteredLimit(request, registeredId(request));
  return ok({ registered_limit: toRegisteredLimitView(limit, request.baseUrl) });
}

export async function handleCreateRegisteredLimits(
  request: ApiRequest<{ registered_limits: NewRegisteredLimit[] }>,
): Promise<Reply> {
  const made = await createRegisteredLimits(request.app, request.origin, request.body.registered_limits);
  return created({ registered_limits: made.map((limit) => toRegisteredLimitView(limit, request.baseUrl)) });
}

export async function handleUpdateRegisteredLimit(
  request: ApiRequest<{ registered_limit: RegisteredLimitChange }>,
): Promise<Reply> {
  const { app, origin, body, baseUrl } = request;
  const limit = await updateRegisteredLimit(app, origin, registeredId(request), body.registered_limit);
  return ok({ registered_limit: toRegisteredLimitView(limit, baseUrl) });
}

export async function handleDeleteRegisteredLimit(request: ApiRequest): Promise<Reply> {
  await deleteRegisteredLimit(request.app, request.origin, registeredId(request));
  return noContent();
}

export async function handleListLimits(request: ApiRequest): Promise<Reply> {
  const limits = await readLimits(request);
  return ok({ limits: limits.map((limit) => toLimitView(limit, request.baseUrl)), links: listLinks(request) });
}

export async function handleShowLimit(request: ApiRequest): Promise<Reply> {
  return ok({ limit: toLimitView(await readLimit(request, limitId(request)), request.baseUrl) });
}

export async function handleCreateLimits(request: ApiRequest<{ limits: NewLimit[] }>): Promise<Reply> {
  const made = await createLimits(request.app, request.origin, request.body.limits);
  return created({ limits: made.map((limit) => toLimitView(limit, request.baseUrl)) });
}

export async function handleUpdateLimit(
  request: ApiRequest<{ limit: { resource_limit?: number; description?: string | null } }>,
): Promise<Reply> {
  const limit = await updateLimit(request.app, request.origin, limitId(request), request.body.limit);
  return ok({ limit: toLimitView(limit, request.baseUrl) });
}

export async function handleDeleteLimit(request: ApiRequest): Promise<Reply> {
  await deleteLimit(request.app, request.origin, limitId(request));
  return noContent();
}
