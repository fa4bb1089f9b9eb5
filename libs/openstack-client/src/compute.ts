/** Nova v2.1, as far as we call it ourselves. */
import type { Cloud } from "./client.ts";

export type Flavor = { id: string; name: string; vcpus: number; ram: number; disk: number };
export type FlavorRequest = {
  name: string;
  id?: string;
  vcpus: number;
  ram: number;
  disk: number;
  "os-flavor-access:is_public"?: boolean;
};
export type Server = {
  id: string;
  name: string;
  status: string;
  key_name?: string | null;
  addresses: { [network: string]: { addr: string; version: number; "OS-EXT-IPS:type"?: string }[] };
  fault?: { message: string };
  created: string;
};
export type ServerRequest = {
  name: string;
  imageRef: string;
  flavorRef: string;
  networks?: { uuid?: string; port?: string }[] | "none" | "auto";
  key_name?: string;
  security_groups?: { name: string }[];
  user_data?: string;
  config_drive?: boolean;
  metadata?: { [key: string]: string };
};

/** Every public flavor. */
export async function listFlavors(cloud: Cloud): Promise<Flavor[]> {
  return (await cloud.call<{ flavors: Flavor[] }>("compute", "GET", "/flavors/detail", { query: { limit: 1000 } }))
    .flavors;
}

export async function createFlavor(cloud: Cloud, flavor: FlavorRequest): Promise<Flavor> {
  return (await cloud.call<{ flavor: Flavor }>("compute", "POST", "/flavors", { body: { flavor } })).flavor;
}

export async function listKeypairs(cloud: Cloud): Promise<{ name: string; public_key: string }[]> {
  const { keypairs } = await cloud.call<{ keypairs: { keypair: { name: string; public_key: string } }[] }>(
    "compute",
    "GET",
    "/os-keypairs",
  );
  return keypairs.map(({ keypair }) => keypair);
}

export async function createKeypair(cloud: Cloud, name: string, publicKey: string): Promise<void> {
  await cloud.call("compute", "POST", "/os-keypairs", { body: { keypair: { name, public_key: publicKey } } });
}

export async function deleteKeypair(cloud: Cloud, name: string): Promise<void> {
  await cloud.call("compute", "DELETE", `/os-keypairs/${encodeURIComponent(name)}`);
}

export async function createServer(cloud: Cloud, server: ServerRequest): Promise<{ id: string }> {
  return (await cloud.call<{ server: { id: string } }>("compute", "POST", "/servers", { body: { server } })).server;
}

export async function showServer(cloud: Cloud, id: string): Promise<Server> {
  return (await cloud.call<{ server: Server }>("compute", "GET", `/servers/${id}`)).server;
}

/** Servers of the project, or with `allProjects` (an operator's account) of all of them. */
export async function listServers(
  cloud: Cloud,
  options: { name?: string; allProjects?: boolean } = {},
): Promise<Server[]> {
  const servers: Server[] = [];
  for (let marker: string | undefined; ;) {
    const query = {
      limit: 500,
      ...(options.name === undefined ? {} : { name: `^${options.name}$` }),
      ...(options.allProjects === true ? { all_tenants: 1 } : {}),
      ...(marker === undefined ? {} : { marker }),
    };
    // a page's marker is the page before
    // eslint-disable-next-line no-await-in-loop
    const page = await cloud.call<{ servers: Server[]; servers_links?: unknown[] }>(
      "compute",
      "GET",
      "/servers/detail",
      { query },
    );
    servers.push(...page.servers);
    marker = page.servers.at(-1)?.id;
    if (page.servers_links === undefined || marker === undefined) return servers;
  }
}

export async function deleteServer(cloud: Cloud, id: string): Promise<void> {
  await cloud.call("compute", "DELETE", `/servers/${id}`);
}

/** e.g. `serverAction(cloud, id, { "os-stop": null })`. */
export function serverAction<T = unknown>(cloud: Cloud, id: string, action: object): Promise<T> {
  return cloud.call<T>("compute", "POST", `/servers/${id}/action`, { body: action });
}

/** The last `length` lines of the serial console. */
export async function consoleOutput(cloud: Cloud, id: string, length: number): Promise<string> {
  return (await serverAction<{ output: string }>(cloud, id, { "os-getConsoleOutput": { length } })).output;
}
