/** What this cloud offers and where. The same for everybody: addresses hang on the door somebody came through. Pure. */
import type { Config } from "../../../config.ts";

type Offer = {
  id: string;
  type: string;
  name: string;
  /** The object store has doors of its own. */
  at: "control-plane" | "object-store";
  path: string;
  endpointIds: { public: string; internal: string; admin: string };
};

/** Stands in a path for the caller's project. */
const PROJECT = "%(project_id)s";
const PROJECT_PART = /\/[^/]*%\(project_id\)s/;

/** Ids are fixed, so that a client that keeps one finds it again after an update. */
const OFFERS: Offer[] = [
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a60", "identity", "keystone", "/identity/v3"),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a70", "compute", "nova", "/compute/v2.1"),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a80", "image", "glance", "/image"),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a90", "network", "neutron", "/network"),
  // newer clients ask for the one, older ones for the other
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7aa0", "block-storage", "cinder", `/volume/v3/${PROJECT}`),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7ab0", "volumev3", "cinderv3", `/volume/v3/${PROJECT}`),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7ac0", "object-store", "swift", `/v1/AUTH_${PROJECT}`, "object-store"),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7ad0", "s3", "s3", "", "object-store"),
];

function offer(id: string, type: string, name: string, path: string, at: Offer["at"] = "control-plane"): Offer {
  const endpoint = (digit: number): string => `${id.slice(0, -1)}${digit}`;
  return { id, type, name, at, path, endpointIds: { public: endpoint(1), internal: endpoint(2), admin: endpoint(3) } };
}

const INTERFACES = ["public", "internal", "admin"] as const;

export type CatalogEndpoint = { id: string; interface: string; region: string; region_id: string; url: string };
export type CatalogEntry = { id: string; type: string; name: string; endpoints: CatalogEndpoint[] };

/** Where the programs answer, as seen from one plane; null: there is no object store. */
export type Doors = { "control-plane": string; "object-store": string | null };
type Places = Pick<Config, "listeners" | "objectStore">;

/** The doors of the plane that somebody came in by. */
export function doorsOf({ listeners, objectStore }: Places, baseUrl: string): Doors {
  const plane = baseUrl === listeners.operator.url ? "operator" : "customer";
  return { "control-plane": baseUrl, "object-store": objectStore?.[plane] ?? null };
}

/** `projectId`: of the token that asks; null: it has none. Left out, addresses show where the project's id goes. */
export const catalogFor = (doors: Doors, region: string, projectId: string | null = PROJECT): CatalogEntry[] =>
  OFFERS.filter(({ at }) => doors[at] !== null).map(({ id, type, name, at, path, endpointIds }) => ({
    id,
    type,
    name,
    endpoints: INTERFACES.map((kind) => ({
      id: endpointIds[kind],
      interface: kind,
      region,
      region_id: region,
      url: `${doors[at] ?? ""}${projectId === null ? path.replace(PROJECT_PART, "") : path.replace(PROJECT, projectId)}`,
    })),
  }));
