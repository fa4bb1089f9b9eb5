/** The object store of a cloud that speaks plain HTTP, by an access key of its demo customer. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Cloud as Api } from "@andromede/openstack-client/client";

import { type S3Client, createS3Client } from "../../../apps/object-store/src/s3/testing/client.ts";
import { connectApi } from "./api.ts";
import type { Cloud } from "./cloud.ts";

export type StoreAccess = {
  /** `http://127.0.0.1:<port>` */
  url: string;
  s3: S3Client;
  /** Swift's: `http://127.0.0.1:<port>/v1/AUTH_<project>`, and a token for it. */
  storageUrl: string;
  token: string;
};

/** A cloud that is about its object store only, made anew: simulated hosts, plain HTTP, and what is deleted goes at once. */
export async function startStore(cloud: Cloud): Promise<StoreAccess> {
  await cloud.tryAndromede("down", "--purge", "--yes", "--keep-engines");
  const directory = mkdtempSync(join(tmpdir(), "andromede-settings-"));
  try {
    const settings = join(directory, "settings.json");
    writeFileSync(settings, JSON.stringify({ objectStore: { garbageGraceSeconds: 0 } }));
    await cloud.andromede("up", "--simulated", "--plain-http", "--no-images", "--settings", settings);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return accessStore(cloud);
}

async function accessStore(cloud: Cloud): Promise<StoreAccess> {
  const api = connectApi(cloud);
  const { token, projectId } = await api.session();
  const credentials = await createAccessKey(api);
  api.close();
  const { ports } = JSON.parse(readFileSync(join(cloud.directory, "config.json"), "utf8")) as {
    ports: { customerObjects: number };
  };
  const url = `http://127.0.0.1:${ports.customerObjects}`;
  const s3 = createS3Client(url, credentials);
  return { url, s3, storageUrl: `${url}/v1/AUTH_${projectId}`, token };
}

/** For S3, of whoever is signed in. */
export async function createAccessKey(api: Api): Promise<{ accessKey: string; secretKey: string }> {
  const { userId, projectId } = await api.session();
  const { credential } = await api.call<{ credential: { access: string; secret: string } }>(
    "identity",
    "POST",
    `/users/${userId}/credentials/OS-EC2`,
    { body: { tenant_id: projectId } },
  );
  return { accessKey: credential.access, secretKey: credential.secret };
}

/** The store's own processes, the first one first. */
export function storeProcesses(cloud: Cloud): number[] {
  const config = join(cloud.directory, "programs/object-store.json");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words[0]?.endsWith("/node") === true && words.includes(config);
      } catch {
        return false;
      }
    })
    .toSorted((a, b) => a - b);
}
