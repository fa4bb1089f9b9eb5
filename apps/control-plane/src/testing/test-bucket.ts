/** A bucket of a real object store, in the test's own process, on a real PostgreSQL. Test files only. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ensureBucket, listKeys } from "@andromede/s3-client/bucket";
import { bodyOf } from "@andromede/s3-client/client";
import { beginMultipart, listMultiparts } from "@andromede/s3-client/multipart";
import { type S3Place, openS3Place } from "@andromede/s3-client/place";

import { s3Front } from "../../../object-store/src/s3/front.ts";
import { createTestStore } from "../../../object-store/src/testing/test-store.ts";

export type TestBucket = {
  place: S3Place;
  /** Everything in it, and uploads in parts that are not complete. */
  keys(): Promise<string[]>;
  put(key: string, body: string): Promise<void>;
  /** Begins an upload in parts and leaves it. */
  begin(key: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** As S3 shows it. */
  read(key: string): Promise<string>;
  stop(): Promise<void>;
};

export async function createTestBucket(): Promise<TestBucket> {
  const store = await createTestStore();
  const home = mkdtempSync(join(tmpdir(), "andromede-bucket-"));
  const { accessKey, secretKey } = store.accessKeyFor();
  const place: S3Place = {
    endpoint: await store.listen({ s3: s3Front }),
    region: "RegionOne",
    bucket: `test-${accessKey}`,
    accessKey,
    secretKeyFile: join(home, "secret"),
  };
  writeFileSync(place.secretKeyFile, secretKey, { mode: 0o600 });
  const client = openS3Place(place);
  await ensureBucket(client);
  return {
    place,
    async keys() {
      const keys: string[] = [];
      for await (const page of listKeys(client, "")) keys.push(...page);
      for await (const page of listMultiparts(client, "")) keys.push(...page.map(({ key }) => key));
      return keys;
    },
    async put(key, text) {
      await client.ask({ method: "PUT", key, body: bodyOf(Buffer.from(text)) }, [200]);
    },
    async begin(key) {
      await beginMultipart(client, key);
    },
    async remove(key) {
      await client.ask({ method: "DELETE", key }, [204]);
    },
    async read(key) {
      return (await client.ask({ method: "GET", key }, [200])).text;
    },
    async stop() {
      client.close();
      await store.stop();
      rmSync(home, { recursive: true });
    },
  };
}
