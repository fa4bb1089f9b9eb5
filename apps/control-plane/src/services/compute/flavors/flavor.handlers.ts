import { notFound } from "@andromede/base/errors";

import { nextPageQuery } from "../../../http/paging.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { nextLink, toBoolean, toInteger } from "../common/wire.ts";
import {
  addExtraSpecs,
  changeFlavorAccess,
  createFlavor,
  describeFlavor,
  dropExtraSpec,
  removeFlavor,
} from "./change-flavors.ts";
import type {
  CreateFlavorBody,
  ExtraSpecsBody,
  FlavorActionBody,
  OneExtraSpecBody,
  UpdateFlavorBody,
} from "./flavor.schema.ts";
import { checkExtraSpec } from "./extra-specs.model.ts";
import { toFlavorEntry, toFlavorView } from "./flavor.view.ts";
import { readFlavor, readFlavorAccess, readFlavors } from "./read-flavors.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["flavor_id"] ?? "";

const list =
  (path: string, view: typeof toFlavorView) =>
  async (request: ApiRequest): Promise<Reply> => {
    const { flavors, more } = await readFlavors(request);
    const last = flavors.at(-1);
    return {
      status: 200,
      body: {
        flavors: flavors.map((flavor) => view(request, flavor)),
        ...(more && last !== undefined
          ? { flavors_links: nextLink(request, path, nextPageQuery(request.query, last.id)) }
          : {}),
      },
    };
  };

export const listFlavorEntries = list("flavors", toFlavorEntry);
export const listFlavorDetails = list("flavors/detail", toFlavorView);

export const showFlavor = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { flavor: toFlavorView(request, await readFlavor(request, idOf(request))) },
});

export async function postFlavor(request: ApiRequest<CreateFlavorBody>): Promise<Reply> {
  const { flavor } = request.body;
  const made = await createFlavor(request, {
    id: flavor.id === undefined || flavor.id === null || flavor.id === "auto" ? null : String(flavor.id),
    name: flavor.name,
    ramMib: toInteger(flavor.ram, "ram", 1),
    vcpus: toInteger(flavor.vcpus, "vcpus", 1),
    diskGib: toInteger(flavor.disk, "disk", 0),
    ephemeralGib: toInteger(flavor["OS-FLV-EXT-DATA:ephemeral"] ?? 0, "OS-FLV-EXT-DATA:ephemeral", 0),
    swapMib: toInteger(flavor.swap === "" ? 0 : (flavor.swap ?? 0), "swap", 0),
    rxtxFactor: Number(flavor.rxtx_factor ?? 1),
    isPublic: toBoolean(flavor["os-flavor-access:is_public"] ?? true),
    description: flavor.description ?? null,
  });
  return { status: 200, body: { flavor: toFlavorView(request, made) } };
}

export async function putFlavor(request: ApiRequest<UpdateFlavorBody>): Promise<Reply> {
  const flavor = await describeFlavor(request, idOf(request), request.body.flavor.description);
  return { status: 200, body: { flavor: toFlavorView(request, flavor) } };
}

export async function deleteFlavorHandler(request: ApiRequest): Promise<Reply> {
  await removeFlavor(request, idOf(request));
  return { status: 202 };
}

export const listExtraSpecs = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { extra_specs: (await readFlavor(request, idOf(request))).extraSpecs },
});

export async function showExtraSpec(request: ApiRequest): Promise<Reply> {
  const key = request.params["key"] ?? "";
  const { extraSpecs } = await readFlavor(request, idOf(request));
  const value = extraSpecs[key];
  if (value === undefined) throw notFound(`Flavor ${idOf(request)} has no extra specs with key ${key}.`);
  return { status: 200, body: { [key]: value } };
}

const asTexts = (specs: OneExtraSpecBody): { [key: string]: string } =>
  Object.fromEntries(Object.entries(specs).map(([key, value]) => [key, String(value)]));

/** From 2.86 on what OpenStack knows must be what it knows. */
function checkSpecs({ version }: Pick<ApiRequest, "version">, specs: { [key: string]: string }): void {
  if (version >= 86) for (const [key, value] of Object.entries(specs)) checkExtraSpec(key, value);
}

export async function postExtraSpecs(request: ApiRequest<ExtraSpecsBody>): Promise<Reply> {
  const specs = asTexts(request.body.extra_specs);
  checkSpecs(request, specs);
  await addExtraSpecs(request, idOf(request), specs);
  return { status: 200, body: { extra_specs: specs } };
}

export async function putExtraSpec(request: ApiRequest<OneExtraSpecBody>): Promise<Reply> {
  const key = request.params["key"] ?? "";
  const value = request.body[key];
  if (value === undefined) throw notFound("Request body and URI mismatch", { status: 400 });
  checkSpecs(request, { [key]: String(value) });
  await addExtraSpecs(request, idOf(request), { [key]: String(value) });
  return { status: 200, body: { [key]: String(value) } };
}

export async function deleteExtraSpec(request: ApiRequest): Promise<Reply> {
  await dropExtraSpec(request, idOf(request), request.params["key"] ?? "");
  return { status: 200 };
}

const toAccess = (id: string, projects: string[]): object => ({
  flavor_access: projects.map((project) => ({ flavor_id: id, tenant_id: project })),
});

export const listAccess = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: toAccess(idOf(request), await readFlavorAccess(request, idOf(request))),
});

export async function postFlavorAction(request: ApiRequest<FlavorActionBody>): Promise<Reply> {
  const { body } = request;
  const [tenant, allow] =
    "addTenantAccess" in body ? [body.addTenantAccess.tenant, true] : [body.removeTenantAccess.tenant, false];
  return {
    status: 200,
    body: toAccess(idOf(request), await changeFlavorAccess(request, idOf(request), tenant, allow)),
  };
}
