/** Handlers of a server's metadata, tags, addresses and security groups. */
import { invalid, notFound } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { toSecurityGroupView } from "../security-groups/security-group.view.ts";
import { getServer, readExtras } from "./read-servers.ts";
import { readServerGroups } from "./server-groups.ts";
import { stateOf } from "./server.model.ts";
import type { MetadataBody, MetadataItemBody, TagsBody } from "./server.schema.ts";
import { toAddresses } from "./server.view.ts";
import { changeMetadata, changeTags, noSuchItem } from "./update-server.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["server_id"] ?? "";
const keyOf = (request: Pick<ApiRequest, "params">): string => request.params["key"] ?? "";

export const listMetadata = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { metadata: (await getServer(request, idOf(request))).metadata },
});

export async function showMetadataItem(request: ApiRequest): Promise<Reply> {
  const { metadata } = await getServer(request, idOf(request));
  const key = keyOf(request);
  if (!Object.hasOwn(metadata, key)) throw noSuchItem();
  return { status: 200, body: { meta: { [key]: metadata[key] } } };
}

/** POST merges, PUT replaces. */
export const postMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> => ({
  status: 200,
  body: {
    metadata: await changeMetadata(request, idOf(request), (current) => ({ ...current, ...request.body.metadata })),
  },
});

export const putMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> => ({
  status: 200,
  body: { metadata: await changeMetadata(request, idOf(request), () => request.body.metadata) },
});

export async function putMetadataItem(request: ApiRequest<MetadataItemBody>): Promise<Reply> {
  const key = keyOf(request);
  const value = Object.hasOwn(request.body.meta, key) ? request.body.meta[key] : undefined;
  if (value === undefined) throw invalid("Request body and URI mismatch");
  await changeMetadata(request, idOf(request), (current) => ({ ...current, [key]: value }));
  return { status: 200, body: { meta: { [key]: value } } };
}

export async function deleteMetadataItem(request: ApiRequest): Promise<Reply> {
  const key = keyOf(request);
  await changeMetadata(request, idOf(request), (current) => {
    if (!Object.hasOwn(current, key)) throw noSuchItem();
    const { [key]: _removed, ...rest } = current;
    return rest;
  });
  return { status: 204 };
}

export const listTags = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { tags: (await getServer(request, idOf(request))).tags },
});

export async function putTags(request: ApiRequest<TagsBody>): Promise<Reply> {
  const { after } = await changeTags(request, idOf(request), () => request.body.tags);
  return { status: 200, body: { tags: after } };
}

export async function deleteTags(request: ApiRequest): Promise<Reply> {
  await changeTags(request, idOf(request), () => []);
  return { status: 204 };
}

const noTag = (id: string, tag: string): Error => notFound(`Server ${id} has no tag '${tag}'`);

export async function showTag(request: ApiRequest): Promise<Reply> {
  const { id, tags } = await getServer(request, idOf(request));
  if (!tags.includes(request.params["tag"] ?? "")) throw noTag(id, request.params["tag"] ?? "");
  return { status: 204 };
}

export async function putTag(request: ApiRequest): Promise<Reply> {
  const tag = request.params["tag"] ?? "";
  if (!/^[^,/]{1,60}$/.test(tag))
    throw invalid(
      `Tag '${tag.slice(0, 80)}' is invalid. It must be a non empty string without characters '/' and ',', of at most 60`,
    );
  const { before } = await changeTags(request, idOf(request), (current) => [...current, tag]);
  if (before.includes(tag)) return { status: 204 };
  return {
    status: 201,
    headers: { location: `${request.baseUrl}/compute/v2.1/servers/${idOf(request)}/tags/${encodeURIComponent(tag)}` },
  };
}

export async function deleteTag(request: ApiRequest): Promise<Reply> {
  const tag = request.params["tag"] ?? "";
  await changeTags(request, idOf(request), (current) => {
    if (!current.includes(tag)) throw noTag(idOf(request), tag);
    return current.filter((one) => one !== tag);
  });
  return { status: 204 };
}

async function readAddresses(request: ApiRequest): Promise<{ [network: string]: object[] }> {
  const server = await getServer(request, idOf(request));
  const { addresses } = await readExtras(request, server);
  return stateOf(server).vmState === "building" ? {} : toAddresses(addresses, false);
}

export const listIps = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { addresses: await readAddresses(request) },
});

export async function showIps(request: ApiRequest): Promise<Reply> {
  const network = request.params["network"] ?? "";
  const addresses = await readAddresses(request);
  const entries = addresses[network];
  if (entries === undefined) throw notFound("Instance is not a member of specified network");
  return { status: 200, body: { [network]: entries } };
}

/** Nova's view of the groups, without their rules: those are Neutron's to show. */
export async function listServerSecurityGroups(request: ApiRequest): Promise<Reply> {
  const groups = await readServerGroups(request, idOf(request));
  return { status: 200, body: { security_groups: groups.map(toSecurityGroupView) } };
}
