import { invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { type Requester, ownerOf, requesterOf, requireAdminFor } from "../common/requester.ts";
import { type WireBoolean, pickFields, resourcesOf, toBoolean } from "../common/wire.ts";
import { createNetworks, deleteNetwork, updateNetwork } from "./change-network.ts";
import { type ProviderWire, readMtu, readProvider } from "./network.model.ts";
import { networkAttributes } from "./network.schema.ts";
import { ZONE, toNetworkView } from "./network.view.ts";
import { readNetwork, readNetworks } from "./read-networks.ts";

type Wire = ProviderWire & {
  name?: string;
  description?: string;
  admin_state_up?: WireBoolean;
  shared?: WireBoolean;
  "router:external"?: WireBoolean;
  is_default?: WireBoolean;
  mtu?: number | string;
  port_security_enabled?: WireBoolean;
  dns_domain?: string;
  availability_zone_hints?: string[];
  qos_policy_id?: string | null;
  project_id?: string;
  tenant_id?: string;
};

const FOR_ADMINS = [
  "shared",
  "router:external",
  "is_default",
  "provider:network_type",
  "provider:physical_network",
  "provider:segmentation_id",
];

/** `shared: false` is what it is anyway: clients send it, and no right is needed for it. */
const asked = (wire: Wire): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== false && value !== null));

export async function listNetworks(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const list = readListRequest(request.query, networkAttributes(requester));
  const networks = await readNetworks(request.app.db, requester, list);
  return listReply(
    request,
    list,
    "networks",
    networks.map((network) => toNetworkView(network, requester)),
  );
}

export async function showNetwork(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const network = await readNetwork(request.app.db, requester, request.params["id"] ?? "");
  return ok({ network: pickFields(toNetworkView(network, requester), request.query.all("fields")) });
}

function toNetwork(requester: Requester, wire: Wire) {
  requireAdminFor(requester, "create_network", asked(wire), FOR_ADMINS);
  const provider = readProvider(wire);
  const external = toBoolean(wire["router:external"] ?? false);
  const isDefault = toBoolean(wire.is_default ?? false);
  if (isDefault && !external) throw invalid("Only an external network can be the default one.");
  const unknown = (wire.availability_zone_hints ?? []).find((zone) => zone !== ZONE);
  if (unknown !== undefined)
    throw invalid(`AvailabilityZone ${unknown} could not be found.`, { type: "AvailabilityZoneNotFound", status: 404 });
  return {
    projectId: ownerOf(requester, wire),
    name: wire.name ?? "",
    description: wire.description ?? "",
    adminStateUp: toBoolean(wire.admin_state_up ?? true),
    shared: toBoolean(wire.shared ?? false),
    external,
    isDefault,
    mtu: readMtu(wire.mtu, provider.networkType),
    portSecurityEnabled: toBoolean(wire.port_security_enabled ?? true),
    dnsDomain: wire.dns_domain ?? "",
    ...provider,
    // nothing said: the project's default policy
    qosPolicyId: wire.qos_policy_id,
    availabilityZoneHints: wire.availability_zone_hints ?? [],
  };
}

export async function createNetworkHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  const { bulk, wires } = resourcesOf<Wire>(request.body, "network", "networks");
  const wanted = wires.map((wire) => toNetwork(requester, wire));
  const networks = await mutate(request, (tx) => createNetworks(tx, requester, wanted));
  const views = networks.map((network) => toNetworkView(network, requester));
  return created(bulk ? { networks: views } : { network: views[0] });
}

export async function updateNetworkHandler(request: ApiRequest<{ network: Wire }>): Promise<Reply> {
  const requester = requesterOf(request);
  const wire = request.body.network;
  requireAdminFor(requester, "update_network", wire, FOR_ADMINS);
  const network = await mutate(request, (tx) =>
    updateNetwork(tx, requester, request.params["id"] ?? "", ({ networkType }) => ({
      ...(wire.name === undefined ? {} : { name: wire.name }),
      ...(wire.description === undefined ? {} : { description: wire.description }),
      ...(wire.dns_domain === undefined ? {} : { dnsDomain: wire.dns_domain }),
      ...(wire.qos_policy_id === undefined ? {} : { qosPolicyId: wire.qos_policy_id }),
      ...(wire.mtu === undefined ? {} : { mtu: readMtu(wire.mtu, networkType) }),
      ...(wire.admin_state_up === undefined ? {} : { adminStateUp: toBoolean(wire.admin_state_up) }),
      ...(wire.shared === undefined ? {} : { shared: toBoolean(wire.shared) }),
      ...(wire["router:external"] === undefined ? {} : { external: toBoolean(wire["router:external"]) }),
      ...(wire.is_default === undefined ? {} : { isDefault: toBoolean(wire.is_default) }),
      ...(wire.port_security_enabled === undefined
        ? {}
        : { portSecurityEnabled: toBoolean(wire.port_security_enabled) }),
    })),
  );
  return ok({ network: toNetworkView(network, requester) });
}

export async function deleteNetworkHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteNetwork(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
