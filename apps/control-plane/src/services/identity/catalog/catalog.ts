/** What this cloud offers and where. The same for everybody: addresses hang on the door somebody came through. Pure. */

type Offer = {
  id: string;
  type: string;
  name: string;
  path: string;
  endpointIds: { public: string; internal: string; admin: string };
};

/** Stands in a path for the caller's project. */
const PROJECT = "%(project_id)s";

/** Ids are fixed, so that a client that keeps one finds it again after an update. */
const OFFERS: Offer[] = [
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a60", "identity", "keystone", "/identity/v3"),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a70", "compute", "nova", "/compute/v2.1"),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a80", "image", "glance", "/image"),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7a90", "network", "neutron", "/network"),
  // newer clients ask for the one, older ones for the other
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7aa0", "block-storage", "cinder", `/volume/v3/${PROJECT}`),
  offer("5f1d0b6a9c3e4d7f8a2b1c0d9e8f7ab0", "volumev3", "cinderv3", `/volume/v3/${PROJECT}`),
];

function offer(id: string, type: string, name: string, path: string): Offer {
  const endpoint = (digit: number): string => `${id.slice(0, -1)}${digit}`;
  return { id, type, name, path, endpointIds: { public: endpoint(1), internal: endpoint(2), admin: endpoint(3) } };
}

const INTERFACES = ["public", "internal", "admin"] as const;

export type CatalogEndpoint = { id: string; interface: string; region: string; region_id: string; url: string };
export type CatalogEntry = { id: string; type: string; name: string; endpoints: CatalogEndpoint[] };

/** `projectId`: of the token that asks; null: it has none. Left out, addresses show where the project's id goes. */
export const catalogFor = (baseUrl: string, region: string, projectId: string | null = PROJECT): CatalogEntry[] =>
  OFFERS.map(({ id, type, name, path, endpointIds }) => ({
    id,
    type,
    name,
    endpoints: INTERFACES.map((kind) => ({
      id: endpointIds[kind],
      interface: kind,
      region,
      region_id: region,
      url: `${baseUrl}${projectId === null ? path.replace(`/${PROJECT}`, "") : path.replace(PROJECT, projectId)}`,
    })),
  }));
