/** Certificates, made with the engine root's openssl and judged by Node's TLS. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, request } from "node:https";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { engineRoot } from "@andromede/testkit/engines";

import { ensureCertificates, isGoodFor } from "./certificates.ts";

describe("certificates", () => {
  const directory = mkdtempSync(join(tmpdir(), "andromede-tls-"));
  const make = (names = ["127.0.0.1", "localhost"]) =>
    ensureCertificates({
      engineRoot: engineRoot(),
      directory,
      instance: "one",
      names,
      owner: { uid: 12_345, gid: 54_321 },
    });
  after(() => rmSync(directory, { recursive: true }));

  test("a client that trusts the authority accepts the server by address and by name", async () => {
    const files = await make();
    const server = createServer(
      { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) },
      (_request, response) => response.end("hello"),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      for (const host of ["127.0.0.1", "localhost"]) {
        const status = await new Promise<number | undefined>((resolve, reject) => {
          const outgoing = request(
            { host, port, family: 4, ca: readFileSync(files.caFile), agent: false },
            (response) => {
              response.resume();
              resolve(response.statusCode);
            },
          );
          outgoing.once("error", reject).end();
        });
        assert.equal(status, 200, host);
      }
    } finally {
      server.close();
    }
    assert.equal(statSync(files.keyFile).mode & 0o777, 0o400);
    assert.equal(statSync(files.keyFile).uid, 12_345);
    assert.equal(statSync(files.caKeyFile).mode & 0o777, 0o400);
    assert.equal(statSync(files.caKeyFile).uid, 0);
  });

  test("they stay while they are good; another name makes another certificate of the same authority", async () => {
    const first = await make();
    const [authority, certificate] = [readFileSync(first.caFile, "utf8"), readFileSync(first.certFile, "utf8")];
    await make();
    assert.equal(readFileSync(first.certFile, "utf8"), certificate);
    await make(["127.0.0.1", "cloud.example"]);
    const renewed = readFileSync(first.certFile, "utf8");
    assert.notEqual(renewed, certificate);
    assert.equal(readFileSync(first.caFile, "utf8"), authority);
    assert.ok(new X509Certificate(renewed).checkIssued(new X509Certificate(authority)));
  });

  test("a certificate near its end, not yet valid, or for other names is not good", async () => {
    const pem = readFileSync((await make(["127.0.0.1"])).certFile, "utf8");
    const day = 24 * 3_600_000;
    const now = Date.now() + 1_000;
    assert.equal(isGoodFor(pem, ["127.0.0.1"], now), true);
    assert.equal(isGoodFor(pem, ["127.0.0.1"], now + 360 * day), true);
    assert.equal(isGoodFor(pem, ["127.0.0.1"], now + 380 * day), false);
    assert.equal(isGoodFor(pem, ["127.0.0.1"], now - 2 * day), false);
    assert.equal(isGoodFor(pem, ["127.0.0.2"], now), false);
    assert.equal(isGoodFor(pem, ["example.org"], now), false);
  });
});
