/** The cloud's API called directly, for what must happen at a chosen millisecond: Debian's client takes a second to start. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";
import { type Cloud as Api, type Credentials, createCloud, orNull } from "@andromede/openstack-client/client";

import type { Cloud } from "./cloud.ts";

/** An account of clouds.yaml: the demo customer's, or the operator's; `other` is laid over it. */
export function connectApi(
  cloud: Cloud,
  account: "andromede" | "andromede-operator" = "andromede",
  other: Partial<Credentials> = {},
): Api {
  const [, yaml = ""] = readFileSync(join(cloud.directory, "clouds.yaml"), "utf8").split(`\n  ${account}:\n`);
  return createCloud({ ...credentialsOf(yaml), ...other });
}

/** The first account in what `up` writes: one `name: "JSON string"` a line. */
function credentialsOf(yaml: string): Credentials {
  const optional = (name: string): string | undefined => {
    const text = new RegExp(`^ *${name}: (".*")$`, "m").exec(yaml)?.[1];
    return text === undefined ? undefined : (JSON.parse(text) as string);
  };
  const value = (name: string): string => {
    const text = optional(name);
    if (text === undefined) throw new Error(`clouds.yaml has no ${name}`);
    return text;
  };
  const caFile = optional("cacert");
  return {
    authUrl: value("auth_url"),
    username: value("username"),
    password: value("password"),
    userDomain: value("user_domain_name"),
    project: value("project_name"),
    projectDomain: value("project_domain_name"),
    // none over plain HTTP
    ...(caFile === undefined ? {} : { caFile }),
  };
}

export type SeenServer = { status: string; "OS-EXT-STS:task_state": string | null; fault?: unknown };

export const see = async (api: Api, id: string): Promise<SeenServer> =>
  (await api.call<{ server: SeenServer }>("compute", "GET", `/servers/${id}`, { timeoutMs: 30_000 })).server;

/** Waits for ACTIVE through whatever the API does meanwhile; ERROR ends the wait at once. */
export async function untilActive(api: Api, id: string, timeoutMs = 120_000): Promise<void> {
  const last = await waitUntil(
    `server ${id} ACTIVE`,
    async () => {
      const seen = await see(api, id);
      return seen.status === "ERROR" || (seen.status === "ACTIVE" && seen["OS-EXT-STS:task_state"] === null)
        ? seen
        : false;
    },
    { timeoutMs, everyMs: 20 },
  );
  if (last.status === "ERROR") throw new Error(`server ${id} is in ERROR: ${JSON.stringify(last.fault)}`);
}

/** Deletes the server and waits until it is gone, through whatever the API does meanwhile. */
export async function deleteAndWait(api: Api, id: string): Promise<void> {
  await waitUntil(
    `the deletion of ${id} to be taken`,
    async () => {
      await orNull(api.call("compute", "DELETE", `/servers/${id}`, { timeoutMs: 30_000 }));
      return true;
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );
  await waitUntil(`the end of ${id}`, async () => (await orNull(see(api, id))) === null, {
    timeoutMs: 60_000,
    everyMs: 50,
  });
}
