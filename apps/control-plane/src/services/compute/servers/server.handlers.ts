import { forbidden, invalid } from "@andromede/base/errors";

import { nextPageQuery } from "../../../http/paging.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import type { RequestedInterface, RequestedNetworks } from "../../network/public.ts";
import { isUuid } from "@andromede/base/ids";
import { asksAsAdmin, projectOf } from "../common/actor.ts";
import { nextLink, toBoolean, toInteger } from "../common/wire.ts";
import { deleteServer } from "./change-power.ts";
import { type CreateServer, createServers } from "./create-server.ts";
import { readListQuery } from "./list-query.ts";
import { getServer, readExtras, readServers, readServersJson } from "./read-servers.ts";
import type { ListedServer, ServerChanges } from "./server.model.ts";
import { readBlockDevices } from "../volumes/block-device.model.ts";
import type { CreateServerBody, NetworkBody, UpdateServerBody } from "./server.schema.ts";
import { canonicalV6, emptyToNull, lastSegment, makePassword, refuseUnsupported, toUserData } from "./server.input.ts";
import { type Viewer, serverLinks, toServerEntry, toServerView } from "./server.view.ts";
import { beginSoftDelete, staysWhenDeleted } from "./soft-delete.ts";
import { updateServer } from "./update-server.ts";

export const idOf = (request: Pick<ApiRequest, "params">): string => request.params["server_id"] ?? "";
export const viewerOf = (request: ApiRequest): Viewer => ({
  baseUrl: request.baseUrl,
  version: request.version,
  isAdmin: asksAsAdmin(request),
});

export async function postServer(request: ApiRequest<CreateServerBody>): Promise<Reply> {
  const { server } = request.body;
  const wanted = toCommand(request);
  const { ids, reservationId } = await createServers(request, wanted);
  if (server.return_reservation_id !== undefined && toBoolean(server.return_reservation_id)) {
    return { status: 202, body: { reservation_id: reservationId } };
  }
  const [first = ""] = ids;
  return {
    status: 202,
    headers: { location: `${request.baseUrl}/compute/v2.1/servers/${first}` },
    body: {
      server: {
        id: first,
        links: serverLinks(request, first),
        "OS-DCF:diskConfig": wanted.diskConfig,
        security_groups:
          wanted.securityGroups.length === 0 ? [{ name: "default" }] : wanted.securityGroups.map((name) => ({ name })),
        adminPass: wanted.adminPassword,
      },
    },
  };
}

function toCommand(request: ApiRequest<CreateServerBody>): CreateServer {
  const { server } = request.body;
  refuseUnsupported(server);
  const blockDevices = readBlockDevices(
    server.imageRef ?? "",
    server.block_device_mapping ?? [],
    server.block_device_mapping_v2 ?? [],
  );
  return {
    name: server.name,
    hostname: server.hostname ?? null,
    description: server.description ?? null,
    ...blockDevices,
    flavorId: lastSegment(String(server.flavorRef)),
    networks: toNetworks(request),
    securityGroups: (server.security_groups ?? []).flatMap(({ name }) => (name === undefined ? [] : [name])),
    keyName: server.key_name ?? null,
    metadata: server.metadata ?? {},
    tags: [...new Set(server.tags)],
    accessIpV4: emptyToNull(server.accessIPv4),
    accessIpV6: canonicalV6(server.accessIPv6),
    adminPassword: server.adminPass ?? makePassword(),
    userData: toUserData(server.user_data),
    configDrive: toBoolean(server.config_drive ?? false),
    diskConfig: server["OS-DCF:diskConfig"] ?? "MANUAL",
    ...toPlace(request),
    hints: request.body["os:scheduler_hints"] ?? request.body["OS-SCH-HNT:scheduler_hints"] ?? {},
    ...toCounts(server),
  };
}

function toCounts(server: CreateServerBody["server"]): { minCount: number; maxCount: number } {
  const minCount = toInteger(server.min_count ?? 1, "min_count", 1);
  return { minCount, maxCount: toInteger(server.max_count ?? minCount, "max_count", 1) };
}

function toNetworks(request: ApiRequest<CreateServerBody>): RequestedNetworks {
  const { networks } = request.body.server;
  if (networks === undefined || (Array.isArray(networks) && networks.length === 0))
    return request.version >= 37 ? "auto" : "implicit";
  return typeof networks === "string" ? networks : networks.map(toInterface);
}

function toInterface(network: NetworkBody): RequestedInterface {
  const tag = network.tag === undefined ? {} : { tag: network.tag };
  if (network.port !== undefined && network.port !== null) {
    if (network.fixed_ip !== undefined) {
      throw invalid(
        `Specified Fixed IP '${network.fixed_ip}' cannot be used with port '${network.port}': the two cannot be specified together.`,
      );
    }
    return { portId: network.port, ...tag };
  }
  const { uuid } = network;
  if (uuid === undefined || !isUuid(uuid))
    throw invalid(`Bad networks format: network uuid is not in proper format (${uuid ?? ""})`);
  return { networkId: uuid, ...(network.fixed_ip === undefined ? {} : { fixedIp: network.fixed_ip }), ...tag };
}

/** `zone:host` and, from 2.74, `host` are for operators. */
function toPlace(request: ApiRequest<CreateServerBody>): { zone: string | null; host: string | null } {
  const { server } = request.body;
  const [zone = "", forced, node] = (server.availability_zone ?? "").split(":");
  const host = server.host ?? server.hypervisor_hostname ?? (forced === "" ? node : forced);
  if (host !== undefined && !asksAsAdmin(request)) {
    throw forbidden("Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.");
  }
  if (server.host !== undefined && server.availability_zone?.includes(":") === true) {
    throw invalid("The requested host and the availability zone cannot both name a host.");
  }
  return { zone: zone === "" ? null : zone, host: host ?? null };
}

type Page = { servers: ListedServer[]; more: boolean };

async function readPage(request: ApiRequest): Promise<Page> {
  const lister = { projectId: projectOf(request), isAdmin: asksAsAdmin(request), version: request.version };
  const asked = readListQuery(request.query, lister);
  const servers = await readServers(request, asked);
  return { servers, more: asked.limit > 0 && servers.length === asked.limit };
}

const links = (request: ApiRequest, path: string, page: Page): { servers_links?: object } => {
  const last = page.servers.at(-1);
  return page.more && last !== undefined
    ? { servers_links: nextLink(request, path, nextPageQuery(request.query, last.id)) }
    : {};
};

export async function listServerEntries(request: ApiRequest): Promise<Reply> {
  const page = await readPage(request);
  const viewer = viewerOf(request);
  return {
    status: 200,
    body: { servers: page.servers.map((server) => toServerEntry(viewer, server)), ...links(request, "servers", page) },
  };
}

export async function listServerDetails(request: ApiRequest): Promise<Reply> {
  const page = await readPage(request);
  const rows = await readServersJson(request, viewerOf(request), page.servers);
  const { servers_links: next } = links(request, "servers/detail", page);
  const tail = next === undefined ? "" : `,"servers_links":${JSON.stringify(next)}`;
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: `{"servers":[${rows.map((row) => row.json).join(",")}]${tail}}`,
  };
}

export async function showServer(request: ApiRequest): Promise<Reply> {
  const server = await getServer(request, idOf(request));
  const extras = await readExtras(request, server);
  return { status: 200, body: { server: toServerView(viewerOf(request), server, extras, "show") } };
}

export async function putServer(request: ApiRequest<UpdateServerBody>): Promise<Reply> {
  const { server: body } = request.body;
  const changes: ServerChanges = {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.hostname === undefined ? {} : { hostname: body.hostname }),
    ...(body.accessIPv4 === undefined ? {} : { accessIpV4: emptyToNull(body.accessIPv4) }),
    ...(body.accessIPv6 === undefined ? {} : { accessIpV6: canonicalV6(body.accessIPv6) }),
    ...(body["OS-DCF:diskConfig"] === undefined ? {} : { diskConfig: body["OS-DCF:diskConfig"] }),
  };
  const server = await updateServer(request, idOf(request), changes);
  const extras = await readExtras(request, server);
  return { status: 200, body: { server: toServerView(viewerOf(request), server, extras, "update") } };
}

export async function deleteServerHandler(request: ApiRequest): Promise<Reply> {
  await deleteServer(request, idOf(request), async (held) => {
    // deleted a second time, it is not kept any longer
    if (!staysWhenDeleted(request, held.server)) return false;
    await beginSoftDelete(request, held);
    return true;
  });
  return { status: 204 };
}
