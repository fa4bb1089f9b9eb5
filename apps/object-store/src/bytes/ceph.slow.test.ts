import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";

import { openByteMaintenance } from "../maintenance/byte-maintenance.ts";
import type { DriverConfig } from "./driver.ts";
import { openDriver } from "./open-driver.ts";
import { type Ceph, startCeph } from "./testing/ceph.ts";
import { type TestBytes, createTestBytes, md5 } from "./testing/test-bytes.ts";

const MIB = 1024 * 1024;

describe("bytes in Ceph", () => {
  const home = mkdtempSync(join(tmpdir(), "andromede-ceph-"));
  let ceph: Ceph;
  let config: DriverConfig;
  let test: TestBytes;
  before(async () => {
    ceph = await startCeph();
    const secretKeyFile = join(home, "secret");
    writeFileSync(secretKeyFile, ceph.secretKey, { mode: 0o600 });
    const { endpoint, region, accessKey } = ceph;
    config = { driver: "s3", endpoint, region, bucket: "andromede-bytes", accessKey, secretKeyFile };
    test = await createTestBytes({ bytes: config, directory: home });
  });
  after(async () => {
    await test.stop();
    await ceph.stop();
    rmSync(home, { recursive: true });
  });

  for (const size of [1, 4096, 65_536, 65_537, 8 * MIB, 64 * MIB, 64 * MIB + 1]) {
    it(`gives back what was written: ${size} bytes`, async () => {
      const body = randomBytes(size);
      const written = await test.write(body, { digests: ["sha256"] });
      assert.equal(written.digests.md5, md5(body));
      assert.ok(body.equals(await test.read(written.placement, 0, size)));
      const [start, end] = [size >> 1, (size >> 1) + (size >> 2)];
      assert.ok(body.subarray(start, end).equals(await test.read(written.placement, start, end)));
      await written.settle(false);
      const [chunk] = written.placement.kind === "chunked" ? written.placement.chunks : [];
      assert.ok(chunk);
      await assert.rejects(openDriver(config).openChunk(chunk.writerId, chunk.address), { kind: "notFound" });
    });
  }

  it("is collected, page by page", async () => {
    const store = await test.another();
    const { writerId } = store;
    const options = { key: test.key, digests: [], size: 100, maxBytes: 1000, mayPack: true };
    await Promise.all(Array.from({ length: 1100 }, () => store.writeSmall(randomBytes(100), options)));
    await store.close();
    const maintenance = openByteMaintenance({
      bytes: config,
      db: test.db,
      database: test.database,
      log: silentLogger,
      graceSeconds: 0,
    });
    await maintenance.collect();
    // as if what may still arrive had arrived
    await test.db`update object_writer set ended_at = ended_at - interval '1 hour' where ended_at is not null`;
    assert.equal((await maintenance.collect()).unnamed, 1100);
    for await (const left of openDriver(config).listChunks(writerId)) assert.deepEqual(left, []);
    await maintenance.close();
  });
});
