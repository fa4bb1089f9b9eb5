import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { waitUntil } from "@andromede/base/waiting";

import { type S3Client, pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import { type Cloud, describeCloud } from "../support/cloud.ts";
import { startStore, storeProcesses } from "../support/object-store.ts";
import { pidOf } from "../support/programs.ts";
import { type Writer, createWriter } from "./load.ts";

const CLIENTS = 8;
const BUCKET = "durable";
/** From the begin of the load to the kill. */
const LOAD_MS = 700;
const VICTIMS = ["worker", "store", "database", "worker", "everything"] as const;

/** Rounds of load, death and reading back, on a store of its own. */
export function describeRounds(rounds: number): void {
  describe(`an object store that is killed ${rounds} times`, () => {
    const cloud = describeCloud("durability");
    let s3: S3Client;
    let writers: Writer[];

    before(async () => {
      ({ s3 } = await startStore(cloud));
      assert.equal((await s3.send("PUT", pathOf(BUCKET))).status, 200);
      writers = Array.from({ length: CLIENTS }, (_, index) => createWriter(s3, BUCKET, `client${index}`));
    });
    after(() => cloud.andromede("down", "--purge", "--yes", "--keep-engines"));

    it("keeps every acknowledged write, and brings back nothing that was deleted", async () => {
      let answers = 0;
      for (let round = 0; round < rounds; round += 1) {
        const victim = VICTIMS[round % VICTIMS.length] ?? "worker";
        // eslint-disable-next-line no-await-in-loop
        answers += await oneRound(victim).catch((error: unknown) => {
          throw new Error(`round ${round}, ${victim}: ${String(error)}`, { cause: error });
        });
      }
      assert.ok(answers > rounds * CLIENTS, `${answers} answers in ${rounds} rounds`);
    });

    async function oneRound(victim: (typeof VICTIMS)[number]): Promise<number> {
      let stopped = false;
      const load = Promise.all(writers.map((writer) => writer.write(() => stopped)));
      await delay(LOAD_MS);
      await kill(cloud, victim);
      // what meets the dead is part of the load
      await delay(LOAD_MS / 2);
      stopped = true;
      const answers = await load;
      await waitUntil(
        "the store's answer",
        () =>
          s3.send("GET", pathOf(BUCKET)).then(
            ({ status }) => status === 200,
            () => false,
          ),
        {
          timeoutMs: 90_000,
          everyMs: 100,
        },
      );
      await Promise.all(writers.map((writer) => writer.verify()));
      await verifyListing();
      return answers.reduce((sum, count) => sum + count, 0);
    }

    async function verifyListing(): Promise<void> {
      const present = writers.flatMap((writer) => writer.present()).toSorted();
      const answer = await s3.send("GET", pathOf(BUCKET), { query: { "list-type": "2", "max-keys": "1000" } });
      const listed = [...answer.text.matchAll(/<Key>([^<]+)</g)].map(([, key]) => key ?? "").toSorted();
      assert.deepEqual(listed, present);
    }

    it("leaves no orphan on the disk, and no row without its bytes", async () => {
      for (const { uploadId, key } of uploadsIn(
        (await s3.send("GET", pathOf(BUCKET), { query: { uploads: "" } })).text,
      ))
        // eslint-disable-next-line no-await-in-loop
        assert.equal((await s3.send("DELETE", pathOf(BUCKET, key), { query: { uploadId } })).status, 204);
      await waitUntil(
        "the collector to have been round",
        async () => {
          const [onDisk, inRows] = [chunksOnDisk(), await chunksInRows()];
          return onDisk.length === inRows.length && onDisk.every((chunk, index) => chunk === inRows[index]);
        },
        { timeoutMs: 180_000, everyMs: 1_000 },
      ).catch(async (error: unknown) => {
        const [onDisk, inRows] = [new Set(chunksOnDisk()), new Set(await chunksInRows())];
        assert.deepEqual(
          {
            orphans: [...onDisk].filter((one) => !inRows.has(one)),
            missing: [...inRows].filter((one) => !onDisk.has(one)),
          },
          { orphans: [], missing: [] },
        );
        throw error;
      });
      assert.equal(Number(await cloud.sql("select count(*) from object_damage")), 0);
      const loose =
        "select count(*) from object_chunk c where garbage_at is null and not exists (select 1 from object o where o.sequence = c.owner) and not exists (select 1 from object_part p where p.sequence = c.owner)";
      assert.equal(Number(await cloud.sql(loose)), 0);
      await Promise.all(writers.map((writer) => writer.verify()));
    });

    /** `<writer>/<address>`, of those that are no half-written files. */
    const chunksOnDisk = (): string[] =>
      readdirSync(join(cloud.directory, "objects/chunks"), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => `${/chunks\/(\d+)/.exec(entry.parentPath)?.[1] ?? "?"}/${entry.name}`)
        .toSorted();
    const chunksInRows = async (): Promise<string[]> =>
      (await cloud.sql("select writer_id || '/' || encode(address, 'hex') from object_chunk"))
        .split("\n")
        .filter((line) => line !== "")
        .toSorted();
  });
}

const uploadsIn = (xml: string): { key: string; uploadId: string }[] =>
  [...xml.matchAll(/<Upload>.*?<Key>([^<]+)<.*?<UploadId>([^<]+)</gs)].map(([, key = "", uploadId = ""]) => ({
    key,
    uploadId,
  }));

/** As the machine's own kill -9 would: nobody gets to say goodbye. */
async function kill(cloud: Cloud, victim: (typeof VICTIMS)[number]): Promise<void> {
  switch (victim) {
    case "worker":
      process.kill(workersOf(cloud).at(-1) ?? 0, "SIGKILL");
      return;
    case "store":
      for (const pid of storeProcesses(cloud)) killQuietly(pid);
      return;
    case "database":
      process.kill(await pidOf(cloud, "postgresql"), "SIGKILL");
      return;
    case "everything":
      killQuietly(await pidOf(cloud, "postgresql"));
      killQuietly(await pidOf(cloud, "control-plane"));
      for (const pid of storeProcesses(cloud)) killQuietly(pid);
      await cloud.andromede("up");
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone already
  }
}

const workersOf = (cloud: Cloud): number[] => storeProcesses(cloud).slice(1);
