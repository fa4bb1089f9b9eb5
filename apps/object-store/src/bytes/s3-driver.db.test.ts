import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { type FakeS3, startFakeS3 } from "@andromede/s3-client/testing/fake-s3";

import { openByteMaintenance } from "../maintenance/byte-maintenance.ts";
import { openDriver } from "./open-driver.ts";
import { type TestBytes, createTestBytes, md5 } from "./testing/test-bytes.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

describe("bytes in an S3 server", () => {
  const home = mkdtempSync(join(tmpdir(), "andromede-s3-"));
  const secretKeyFile = join(home, "secret");
  let server: FakeS3;
  let test: TestBytes;
  let config: Parameters<typeof openDriver>[0];
  before(async () => {
    server = await startFakeS3({ region: "paris", accessKey: "key", secretKey: "secret" });
    writeFileSync(secretKeyFile, "secret\n", { mode: 0o600 });
    config = { driver: "s3", endpoint: server.url, region: "paris", bucket: "bytes", accessKey: "key", secretKeyFile };
    test = await createTestBytes({ bytes: config, directory: home });
  });
  beforeEach(() => {
    server.fail.length = 0;
  });
  after(async () => {
    await test.stop();
    await server.close();
    rmSync(home, { recursive: true });
  });

  for (const size of [1, 5 * KIB, 64 * KIB, 64 * KIB + 1, 300 * KIB, 10 * MIB + 3]) {
    it(`gives back what was written: ${size} bytes`, async () => {
      const body = randomBytes(size);
      const written = await test.write(body);
      assert.equal(written.digests.md5, md5(body));
      assert.equal(server.objects.size, 1, "durable when it is acknowledged");
      for (const [start, end] of [
        [0, size],
        [size >> 1, size],
        [size - 1, size],
        [1, size >> 1],
      ] as const) {
        if (start >= end) continue;
        assert.ok(body.subarray(start, end).equals(await test.read(written.placement, start, end)), `${start}-${end}`);
      }
      await written.settle(false);
      assert.equal(server.objects.size, 0);
    });
  }

  it("asks again when the server fails or cuts an answer off", async () => {
    const body = randomBytes(5 * MIB);
    server.fail.push(503, 500);
    const written = await test.write(body);
    server.fail.push(503);
    assert.ok(body.equals(await test.read(written.placement, 0, body.length)));
    const driver = openDriver(config);
    const chunk = written.placement.kind === "chunked" ? written.placement.chunks[0] : undefined;
    assert.ok(chunk);
    const source = await driver.openChunk(chunk.writerId, chunk.address);
    server.fail.push("cut");
    const whole = Buffer.alloc(source.bytes);
    assert.equal(await source.read(whole, 0), source.bytes);
    assert.ok(whole.equals([...server.objects.values()][0] ?? Buffer.alloc(0)));
    await source.close();
    await written.settle(false);
  });

  it("says that there is no room, or that the server is away, and keeps nothing", async () => {
    server.fail.push(507);
    await assert.rejects(test.write(randomBytes(1 * MIB)), { kind: "noCapacity" });
    server.fail.push(503, 503, 503, 503);
    await assert.rejects(test.write(randomBytes(10 * KIB)), { kind: "unavailable" });
    assert.equal(server.objects.size, 0);
  });

  it("finds rot, and never gives wrong bytes", async () => {
    const body = randomBytes(1 * MIB);
    const written = await test.write(body);
    const [[name, sealed] = []] = [...server.objects];
    assert.ok(name !== undefined && sealed !== undefined);
    sealed[500 * KIB] = (sealed[500 * KIB] ?? 0) ^ 1;
    await assert.rejects(test.read(written.placement, 0, body.length), { kind: "internal" });
    await written.settle(false);
  });

  it("is collected: what dead writers left goes, however much it is", async () => {
    const store = await test.another();
    const left = store.writerId;
    for (let count = 0; count < 5; count += 1) {
      const body = { key: test.key, digests: [], size: 100, maxBytes: 1000, mayPack: true };
      await store.writeSmall(randomBytes(100), body);
    }
    assert.equal(server.objects.size, 5);
    const maintenance = openByteMaintenance({
      bytes: config,
      db: test.db,
      database: test.database,
      log: silentLogger,
      graceSeconds: 0,
    });
    assert.equal((await maintenance.collect()).unnamed, 0);
    await store.close();
    // a request of the dead one may still arrive
    assert.equal((await maintenance.collect()).unnamed, 0);
    await test.db`update object_writer set ended_at = ended_at - interval '1 hour' where ended_at is not null`;
    assert.equal((await maintenance.collect()).unnamed, 5);
    assert.equal(server.objects.size, 0);
    assert.equal((await test.db`select 1 from object_writer where id = ${left}`).length, 0);
    await maintenance.close();
  });

  it("takes no secret that others can read", () => {
    chmodSync(secretKeyFile, 0o644);
    assert.throws(() => openDriver(config), { kind: "invalid" });
    chmodSync(secretKeyFile, 0o600);
  });
});
