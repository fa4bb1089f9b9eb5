import { forbidden, invalid, notFound } from "@andromede/base/errors";

import { allows } from "../../../http/policy.ts";
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { ruleNamed } from "../policy.ts";
import type { AggregateActionBody, AggregateBody, AggregateImagesBody } from "./aggregate.schema.ts";
import { toAggregateView, toCreatedAggregate } from "./aggregate.view.ts";
import {
  addHost,
  createAggregate,
  readAggregate,
  removeAggregate,
  removeHost,
  updateAggregate,
} from "./change-aggregates.ts";
import { readAggregates } from "./read-aggregates.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["aggregate_id"] ?? "";

export const listAggregatesHandler = async (request: ApiRequest): Promise<Reply> =>
  ok({ aggregates: (await readAggregates(request)).map((one) => toAggregateView(one, request.version)) });

export const showAggregate = async (request: ApiRequest): Promise<Reply> =>
  ok({ aggregate: toAggregateView(await readAggregate(request, idOf(request)), request.version) });

export async function postAggregate(request: ApiRequest<AggregateBody>): Promise<Reply> {
  const { name = "", availability_zone: zone = null } = request.body.aggregate;
  return ok({ aggregate: toCreatedAggregate(await createAggregate(request, name.trim(), zone), request.version) });
}

export async function putAggregate(request: ApiRequest<AggregateBody>): Promise<Reply> {
  const { name, availability_zone: zone } = request.body.aggregate;
  const aggregate = await updateAggregate(request, idOf(request), {
    ...(name === undefined ? {} : { name: name.trim() }),
    ...(zone === undefined ? {} : { zone }),
  });
  return ok({ aggregate: toAggregateView(aggregate, request.version) });
}

/** Nova answers 200 and says nothing. */
export async function deleteAggregateHandler(request: ApiRequest): Promise<Reply> {
  await removeAggregate(request, idOf(request));
  return { status: 200 };
}

export async function postAggregateAction(request: ApiRequest<AggregateActionBody>): Promise<Reply> {
  const { body } = request;
  const [name = ""] = Object.keys(body);
  const rule = `os_compute_api:os-aggregates:${name}`;
  if (!allows(ruleNamed(rule).role, request.actor, request.plane)) {
    throw forbidden(`Policy doesn't allow ${rule} to be performed.`);
  }
  const id = idOf(request);
  const aggregate =
    "add_host" in body
      ? await addHost(request, id, body.add_host.host)
      : "remove_host" in body
        ? await removeHost(request, id, body.remove_host.host)
        : await updateAggregate(request, id, { metadata: body.set_metadata.metadata });
  return ok({ aggregate: toAggregateView(aggregate, request.version) });
}

/** Hosts here fetch an image when its first server starts on them, and there is no way to tell them to do so before. */
export async function postAggregateImages(request: ApiRequest<AggregateImagesBody>): Promise<Reply> {
  const ids = request.body.cache.map((image) => image.id);
  if (new Set(ids).size !== ids.length) throw invalid("Duplicate images in request");
  const aggregate = await readAggregate(request, idOf(request));
  if (aggregate.hosts.length === 0) throw notFound(`Aggregate ${aggregate.id} has no hosts.`, { status: 400 });
  throw invalid("Images cannot be cached ahead of use here: a host fetches one when its first server starts.");
}
