/** Services, pools, zones, capabilities and hosts on the wire. */
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { isoTime, isoTimeOrNull, queryBoolean } from "../common/wire.ts";
import { isUp } from "./host.model.ts";
import {
  type VolumeServiceRow,
  changeService,
  hostNamed,
  readCapabilities,
  readHostUsage,
  readPools,
  readServices,
  readZones,
} from "./read-hosts.ts";
import { RESOURCE_FILTERS } from "./resource-filters.ts";

const toService = ({ version }: ApiRequest, { binary, host, entry }: VolumeServiceRow): object => ({
  binary,
  host,
  zone: entry.availabilityZone,
  status: entry.disabled ? "disabled" : "enabled",
  state: isUp(entry) ? "up" : "down",
  updated_at: isoTime(entry.observedAt ?? entry.createdAt),
  disabled_reason: entry.disabledReason,
  ...(binary === "cinder-volume"
    ? { replication_status: "disabled", active_backend_id: null, frozen: entry.frozen }
    : {}),
  ...(version >= 7 ? { cluster: null } : {}),
  ...(version >= 49 && binary === "cinder-volume" ? { backend_state: isUp(entry) ? "up" : "down" } : {}),
});

export const listServices = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { services: (await readServices(request)).map((one) => toService(request, one)) },
});

export type ServiceBody = { host?: string; binary?: string; service?: string; disabled_reason?: string };

/** `enable`, `disable`, `disable-log-reason`, `freeze`, `thaw`; what else Cinder has is about what we do not have. */
const CHANGES: { readonly [change: string]: { disabled?: boolean; frozen?: boolean } } = {
  enable: { disabled: false },
  disable: { disabled: true },
  "disable-log-reason": { disabled: true },
  freeze: { frozen: true },
  thaw: { frozen: false },
};

const putService =
  (name: keyof typeof CHANGES): ((request: ApiRequest<ServiceBody>) => Promise<Reply>) =>
  async (request) => {
    const { body } = request;
    const reason = name === "disable-log-reason" ? (body.disabled_reason ?? null) : null;
    const change = CHANGES[name] ?? {};
    await changeService(request, hostNamed(body), { ...change, reason });
    if (change.frozen !== undefined) return { status: 200 };
    const binary = body.binary ?? body.service ?? "cinder-volume";
    return {
      status: 200,
      body: {
        host: body.host,
        service: binary,
        binary,
        disabled: change.disabled,
        status: change.disabled === true ? "disabled" : "enabled",
        ...(name === "disable" ? {} : { disabled_reason: reason }),
      },
    };
  };
export const enableService = putService("enable");
export const disableService = putService("disable");
export const disableServiceWithReason = putService("disable-log-reason");
export const freezeHost = putService("freeze");
export const thawHost = putService("thaw");

export async function listPools(request: ApiRequest): Promise<Reply> {
  const detail = queryBoolean(request, "detail");
  const pools = await readPools(request);
  return {
    status: 200,
    body: {
      pools: pools.map(({ name, capabilities, at }) =>
        detail ? { name, capabilities: { ...capabilities, timestamp: isoTimeOrNull(at) } } : { name },
      ),
    },
  };
}

export async function showCapabilities(request: ApiRequest): Promise<Reply> {
  const found = await readCapabilities(request, request.params["host"] ?? "");
  const facts = found.capabilities;
  const property = (title: string, description: string): object => ({ title, description, type: "boolean" });
  return {
    status: 200,
    body: {
      namespace: `OS::Storage::Capabilities::${found.name.split("#")[0] ?? ""}`,
      vendor_name: facts["vendor_name"],
      volume_backend_name: facts["volume_backend_name"],
      pool_name: found.pool,
      driver_version: facts["driver_version"],
      storage_protocol: facts["storage_protocol"],
      display_name: null,
      description: null,
      visibility: "public",
      replication_targets: [],
      properties: {
        thin_provisioning: property("Thin Provisioning", "Volumes grow as they are written."),
        qos: property("QoS", "Front-end limits are enforced where a volume is attached."),
        encryption: property("Encryption", "Every volume is encrypted with a key of its own."),
      },
    },
  };
}

/** Nobody but operators sees hosts. */
export const listZones = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    availabilityZoneInfo: (await readZones(request)).map(({ zone, available }) => ({
      zoneName: zone,
      zoneState: { available },
    })),
  },
});

export const listHosts = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    hosts: (await readServices(request)).map(({ binary, host, entry }) => ({
      host_name: host,
      service: binary,
      zone: entry.availabilityZone,
      "service-status": isUp(entry) ? "available" : "unavailable",
      "service-state": entry.disabled ? "disabled" : "enabled",
      "last-update": isoTimeOrNull(entry.observedAt),
    })),
  },
});

export async function showHost(request: ApiRequest): Promise<Reply> {
  const host = request.params["host"] ?? "";
  const rows = await readHostUsage(request, host);
  const line = (project: string, of: (typeof rows)[number][]): object => ({
    resource: {
      host,
      project,
      volume_count: String(of.reduce((sum, row) => sum + row.volumes, 0)),
      total_volume_gb: String(of.reduce((sum, row) => sum + row.gib, 0)),
      snapshot_count: String(of.reduce((sum, row) => sum + row.snapshots, 0)),
      total_snapshot_gb: String(of.reduce((sum, row) => sum + row.snapshotGib, 0)),
    },
  });
  return { status: 200, body: { host: [line("(total)", rows), ...rows.map((row) => line(row.projectId, [row]))] } };
}

export function listResourceFilters(request: ApiRequest): Reply {
  const asked = request.query.get("resource");
  return {
    status: 200,
    body: {
      resource_filters: Object.entries(RESOURCE_FILTERS)
        .filter(([resource]) => asked === undefined || asked === resource)
        .map(([resource, filters]) => ({ resource, filters })),
    },
  };
}
