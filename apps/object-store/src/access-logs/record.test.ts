import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLogger } from "@andromede/base/log";

import { AccessLog, type LogRow } from "./access-log.ts";
import type { Access } from "./access.model.ts";
import { logKey } from "./log-key.model.ts";
import { type Seen, formatRecord } from "./record.model.ts";

const NOON = Date.UTC(2026, 1, 6, 12, 0, 38);
const logging = { target: "logs", prefix: "p/" };

const access: Access = {
  container: { id: 1, projectId: "project", name: "bucket" },
  logging,
  operation: "REST.GET.OBJECT",
  key: "k",
  versionId: null,
  requester: null,
  authType: null,
  isSigned: false,
  objectSize: null,
  byAcl: false,
};
const seen: Seen = {
  receivedAtMs: NOON,
  address: "192.0.2.3",
  requestId: "tx1",
  method: "GET",
  url: "/bucket/k",
  httpVersion: "1.1",
  status: 200,
  errorCode: null,
  bytesSent: 113,
  shownSize: 113,
  totalMs: 7,
  turnAroundMs: 5,
  referrer: undefined,
  userAgent: "client/1",
  host: "objects.example:8080",
  cipher: "TLS_AES_128_GCM_SHA256",
  tlsVersion: "TLSv1.3",
};

test("a record is one line of fields in Amazon's order", () => {
  assert.equal(
    formatRecord(access, seen),
    'project bucket [06/Feb/2026:12:00:38 +0000] 192.0.2.3 - tx1 REST.GET.OBJECT k "GET /bucket/k HTTP/1.1" 200 - 113 113 7 5' +
      ' "-" "client/1" - - - TLS_AES_128_GCM_SHA256 - objects.example:8080 TLSv1.3 - - -\n',
  );
});

test("what a client writes ends neither a field nor a line", () => {
  const spoiled = formatRecord(
    { ...access, key: 'a b"\n\ud800', versionId: "v w", requester: { projectId: "p", userName: 'eve "x" ' } },
    { ...seen, url: '/bucket/"?a=b c', userAgent: '"\u00ff\t" 200', referrer: "", host: "a b" },
  );
  assert.equal(spoiled.indexOf("\n"), spoiled.length - 1);
  assert.match(spoiled, /^[\x20-\x7e]+\n$/);
  assert.equal(spoiled.split('"').length, 7, "three quoted fields");
  assert.match(spoiled, / arn:aws:iam::p:user\/eve%20%22x%22%20 tx1 REST.GET.OBJECT a%20b%22%0A%EF%BF%BD /);
  assert.match(spoiled, / "" "%22%FF%09%22 200" v%20w /);
});

test("signatures are not told, and one of many has no line of its own in the request", () => {
  const url = "/v1/AUTH_p/c/o?temp_url_sig=secret&a=b&X-Amz-Signature=secret&X-Amz-Date=d";
  const signed = formatRecord(access, { ...seen, url });
  assert.doesNotMatch(signed, /secret/);
  assert.match(signed, /temp_url_sig=REDACTED&a=b&X-Amz-Signature=REDACTED&X-Amz-Date=d/);
  const outcome = { status: 412, errorCode: "PreconditionFailed" };
  const one = formatRecord({ ...access, operation: "BATCH.DELETE.OBJECT", outcome }, seen);
  assert.match(one, / BATCH.DELETE.OBJECT k - 412 PreconditionFailed - - 7 /);
  const unanswered = formatRecord(access, { ...seen, status: null, bytesSent: 0, turnAroundMs: null, shownSize: null });
  assert.match(unanswered, /HTTP\/1.1" - - - - 7 - "-"/);
});

test("an object is called by when it is delivered, or by when its events were", () => {
  const at = { deliveredAt: new Date(NOON), day: "2026-02-05", unique: "0F" };
  const named = (partition?: "eventTime" | "deliveryTime"): string =>
    logKey({ projectId: "p", region: "r", bucket: "b", logging: { ...logging, ...(partition && { partition }) } }, at);
  assert.equal(named(), "p/2026-02-06-12-00-38-0F");
  assert.equal(named("deliveryTime"), "p/p/r/b/2026/02/06/2026-02-06-12-00-38-0F");
  assert.equal(named("eventTime"), "p/p/r/b/2026/02/05/2026-02-05-00-00-00-0F");
});

test("lines are kept while they cannot be written, by container, setting and day, as far as there is room", async () => {
  const written: LogRow[][] = [];
  let away = true;
  const log = new AccessLog({
    log: silentLogger,
    write: (rows) => {
      if (away) return Promise.reject(new Error("away"));
      written.push(rows);
      return Promise.resolve();
    },
  });
  const { container } = access;
  log.append(container, logging, NOON, "1\n");
  await log.flush();
  log.append(container, logging, NOON, "2\n");
  // the same words in another place are the same setting
  log.append(container, { ...logging }, NOON, "3\n");
  await log.flush();
  log.append(container, logging, NOON + 43_200_000, "tomorrow\n");
  log.append({ ...container, id: 2 }, logging, NOON, "other\n");
  log.append(container, { ...logging, prefix: "q/" }, NOON, "elsewhere\n");
  away = false;
  await log.stop();
  assert.deepEqual(
    written.flat().map(({ containerId, day, lines, logging: { prefix } }) => [containerId, day, prefix, lines]),
    [
      [1, "2026-02-06", "p/", "1\n2\n3\n"],
      [1, "2026-02-07", "p/", "tomorrow\n"],
      [2, "2026-02-06", "p/", "other\n"],
      [1, "2026-02-06", "q/", "elsewhere\n"],
    ],
  );
  away = true;
  const mebibyte = "x".repeat(1 << 20);
  for (let count = 0; count < 40; count += 1) log.append(container, logging, NOON, mebibyte);
  await log.flush();
  away = false;
  await log.stop();
  assert.equal(written[1]?.[0]?.lines.length, 16 << 20);
});
