/** What most scenarios need around a server, made over the API with one client process per call saved: a small script of `openstack` lines. */
import { waitUntil } from "@andromede/base/waiting";

import type { Cloud } from "./cloud.ts";
import type { Key } from "./guest.ts";

export type Scene = { name: string; networkName: string; clean(): Promise<void> };

const json = ["-f", "json"];

/** A network with a way out, a security group that lets SSH and pings in, and the key, all named after the scene. */
export async function makeScene(cloud: Cloud, name: string, key: Key, cidr = "10.45.0.0/24"): Promise<Scene> {
  await cloud.openstack("network", "create", `${name}-net`, ...json);
  await cloud.openstack(
    "subnet",
    "create",
    `${name}-subnet`,
    "--network",
    `${name}-net`,
    "--subnet-range",
    cidr,
    ...json,
  );
  await cloud.openstack("router", "create", `${name}-router`, ...json);
  await cloud.openstack("router", "set", `${name}-router`, "--external-gateway", "public");
  await cloud.openstack("router", "add", "subnet", `${name}-router`, `${name}-subnet`);
  await cloud.openstack("security", "group", "create", `${name}-group`, ...json);
  await cloud.openstack(
    "security",
    "group",
    "rule",
    "create",
    `${name}-group`,
    "--protocol",
    "tcp",
    "--dst-port",
    "22",
    ...json,
  );
  await cloud.openstack("security", "group", "rule", "create", `${name}-group`, "--protocol", "icmp", ...json);
  await cloud.openstack("keypair", "create", `${name}-key`, "--public-key", key.publicFile, ...json);
  return {
    name,
    networkName: `${name}-net`,
    async clean() {
      await cloud.openstack("router", "unset", "--external-gateway", `${name}-router`);
      await cloud.openstack("router", "remove", "subnet", `${name}-router`, `${name}-subnet`);
      await cloud.openstack("router", "delete", `${name}-router`);
      await cloud.openstack("network", "delete", `${name}-net`);
      await cloud.openstack("security", "group", "delete", `${name}-group`);
      await cloud.openstack("keypair", "delete", `${name}-key`);
    },
  };
}

/** `server create` without waiting; the id. */
export async function startServer(cloud: Cloud, scene: Scene, name: string, ...more: string[]): Promise<string> {
  const server: { id: string } = await cloud.openstack(
    "server",
    "create",
    name,
    "--image",
    "mini",
    "--flavor",
    "mini.tiny",
    "--network",
    scene.networkName,
    "--key-name",
    `${scene.name}-key`,
    "--security-group",
    `${scene.name}-group`,
    ...more,
    ...json,
  );
  return server.id;
}

/** Waits until the server is in that state with no task under way. ERROR ends the wait. */
export async function waitForStatus(cloud: Cloud, id: string, status: string, timeoutMs = 120_000): Promise<void> {
  let failed: string | undefined;
  await waitUntil(
    `server ${id} ${status}`,
    async () => {
      const shown: { status: string; fault?: unknown; "OS-EXT-STS:task_state": string | null } = await cloud.openstack(
        "server",
        "show",
        id,
        ...json,
      );
      if (shown.status === "ERROR" && status !== "ERROR") {
        failed = JSON.stringify(shown.fault);
        return true;
      }
      return shown.status === status && [null, "None"].includes(shown["OS-EXT-STS:task_state"]);
    },
    { timeoutMs, everyMs: 300 },
  );
  if (failed !== undefined) throw new Error(`server ${id} is in ERROR: ${failed}`);
}

/** A floating address for the server. */
export async function giveAddress(cloud: Cloud, id: string): Promise<string> {
  const floating: { floating_ip_address: string } = await cloud.openstack(
    "floating",
    "ip",
    "create",
    "public",
    ...json,
  );
  await cloud.openstack("server", "add", "floating", "ip", id, floating.floating_ip_address);
  return floating.floating_ip_address;
}
