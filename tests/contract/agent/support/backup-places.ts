/** The places where an agent may keep backups, as tests see them: what is in them, looked at behind the agent's back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

import { createHttp } from "@andromede/openstack-client/http";
import { ensureBucket, listKeys } from "@andromede/s3-client/bucket";
import { type S3Client, bodyOf, createS3Client } from "@andromede/s3-client/client";
import { runProcess } from "@andromede/testkit/engines";

import { s3Front } from "../../../../apps/object-store/src/s3/front.ts";
import { swiftFront } from "../../../../apps/object-store/src/swift/front.ts";
import { createTestStore } from "../../../../apps/object-store/src/testing/test-store.ts";
import { filesBelow } from "./volume-content.ts";

export type BackupPlace = {
  /** For the agent's configuration. */
  store: object;
  /** Names of all that is there, but for notes of who makes what. */
  names(): Promise<string[]>;
  read(name: string): Promise<Buffer>;
  write(name: string, bytes: Buffer): Promise<void>;
  /** Makes it as large as this, or without a limit. */
  limit(bytes: number | null): Promise<void>;
  stop(): Promise<void>;
};

/** A directory, on a file system of its own. */
export async function startFilePlace(): Promise<BackupPlace> {
  const directory = mkdtempSync(join(tmpdir(), "andromede-backups-"));
  const mount = (options: string): Promise<string> =>
    runProcess(["mount", "-t", "tmpfs", "-o", options, "agentlab", directory]);
  await mount("mode=700");
  return {
    store: { driver: "files", directory },
    names: () => Promise.resolve(filesBelow(directory).map((path) => relative(directory, path))),
    read: (name) => Promise.resolve(readFileSync(join(directory, name))),
    write: (name, bytes) => Promise.resolve(writeFileSync(join(directory, name), bytes)),
    async limit(bytes) {
      await mount(`remount,size=${bytes ?? 0}`);
    },
    async stop() {
      await runProcess(["umount", directory]);
      rmSync(directory, { recursive: true });
    },
  };
}

const BUCKET = "volume-backups";

/** A bucket of our own object store: the whole of it, on a PostgreSQL, in this process. */
export async function startObjectPlace(): Promise<BackupPlace> {
  const home = mkdtempSync(join(tmpdir(), "andromede-backups-"));
  const stand = await createTestStore();
  const endpoint = await stand.listen({ s3: s3Front, swift: swiftFront });
  const { accessKey, secretKey, actor } = stand.accessKeyFor();
  const secretKeyFile = join(home, "secret");
  writeFileSync(secretKeyFile, secretKey, { mode: 0o600 });
  const client: S3Client = createS3Client({ endpoint, region: "RegionOne", bucket: BUCKET, accessKey, secretKey });
  await ensureBucket(client);
  const http = createHttp();
  const token = stand.tokenFor({ ...actor, roles: [...actor.roles] });
  return {
    store: { driver: "s3", endpoint, region: "RegionOne", bucket: BUCKET, accessKey, secretKeyFile },
    async names() {
      const keys = (await Array.fromAsync(listKeys(client, ""))).flat();
      return keys.filter((key) => !key.startsWith("making/"));
    },
    async read(key) {
      const answer = await client.send({ method: "GET", key }, [200]);
      return Buffer.concat((await answer.toArray()) as Buffer[]);
    },
    async write(key, bytes) {
      await client.ask({ method: "PUT", key, body: bodyOf(bytes) }, [200]);
    },
    async limit(bytes) {
      const { status } = await http.send({
        method: "POST",
        url: `${endpoint}/v1/AUTH_${actor.projectId ?? ""}/${BUCKET}`,
        headers: { "x-auth-token": token, "x-container-meta-quota-bytes": bytes === null ? "" : String(bytes) },
      });
      if (status !== 204) throw new Error(`the quota was not set: ${status}`);
    },
    async stop() {
      http.close();
      client.close();
      await stand.stop();
      rmSync(home, { recursive: true });
    },
  };
}
