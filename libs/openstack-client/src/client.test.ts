import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";

import { ApiError, type Credentials, createCloud, errorMessage, orNull } from "./client.ts";
import type { Http, HttpRequest, HttpResponse } from "./http.ts";

const credentials: Credentials = {
  authUrl: "http://keystone/v3/",
  username: "u",
  password: "p",
  userDomain: "Default",
  project: "demo",
  projectDomain: "Default",
};
const answer = (status: number, body: unknown = "", headers = {}): HttpResponse => ({
  status,
  headers,
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});
const token = (name: string, lifeMs = 3_600_000): HttpResponse =>
  answer(
    201,
    {
      token: {
        expires_at: new Date(Date.now() + lifeMs).toISOString(),
        project: { id: "project-1" },
        user: { id: "user-1" },
        catalog: [
          {
            type: "compute",
            endpoints: [
              { interface: "admin", url: "http://admin" },
              { interface: "public", url: "http://nova/v2.1/" },
            ],
          },
        ],
      },
    },
    { "x-subject-token": name },
  );

function scripted(answers: HttpResponse[]): { http: Http; sent: HttpRequest[] } {
  const sent: HttpRequest[] = [];
  const http: Http = {
    send(request) {
      sent.push(request);
      const next = answers.shift();
      return next === undefined ? Promise.reject(new Error("nothing left to answer")) : Promise.resolve(next);
    },
    close: () => undefined,
  };
  return { http, sent };
}

test("signs in once, then calls the public endpoint of the catalog", async () => {
  const { http, sent } = scripted([token("t1"), answer(200, { servers: [] }), answer(202, { server: { id: "1" } })]);
  const cloud = createCloud(credentials, http);
  assert.deepEqual(await cloud.call("compute", "GET", "/servers", { query: { limit: 2, name: "a&b" } }), {
    servers: [],
  });
  await cloud.call("compute", "POST", "/servers", { body: { server: {} } });
  assert.deepEqual(
    sent.map(({ method, url }) => `${method} ${url}`),
    [
      "POST http://keystone/v3/auth/tokens",
      "GET http://nova/v2.1/servers?limit=2&name=a%26b",
      "POST http://nova/v2.1/servers",
    ],
  );
  assert.equal(sent[1]?.headers?.["x-auth-token"], "t1");
  assert.equal(sent[2]?.body, '{"server":{}}');
});

test("a revoked token is replaced once; a second refusal is an error", async () => {
  const { http, sent } = scripted([
    token("t1"),
    answer(401),
    token("t2"),
    answer(200, { ok: 1 }),
    answer(401),
    token("t3"),
    answer(401, { error: { message: "no" } }),
  ]);
  const cloud = createCloud(credentials, http);
  assert.deepEqual(await cloud.call("compute", "GET", "/a"), { ok: 1 });
  assert.equal(sent[3]?.headers?.["x-auth-token"], "t2");
  await assert.rejects(
    cloud.call("compute", "GET", "/a"),
    (error) => error instanceof ApiError && error.status === 401,
  );
});

test("a token near its end is renewed before it is used", async () => {
  const { http, sent } = scripted([token("short", 1_000), answer(200, {}), token("long"), answer(200, {})]);
  const cloud = createCloud(credentials, http);
  await cloud.call("compute", "GET", "/a");
  await cloud.call("compute", "GET", "/a");
  assert.equal(sent[3]?.headers?.["x-auth-token"], "long");
});

test("a stream is sent as it is, and no body is answered by undefined", async () => {
  const { http, sent } = scripted([token("t"), answer(204)]);
  const bytes = Readable.from(["x"]);
  assert.equal(
    await createCloud(credentials, http).call("compute", "PUT", "/f", {
      raw: bytes,
      headers: { "content-type": "application/octet-stream" },
    }),
    undefined,
  );
  assert.equal(sent[1]?.body, bytes);
  assert.equal(sent[1]?.headers?.["content-type"], "application/octet-stream");
});

test("a service the catalog lacks and a failed sign-in are errors of their own", async () => {
  await assert.rejects(
    createCloud(credentials, scripted([token("t")]).http).call("image", "GET", "/v2/images"),
    /no image service/,
  );
  await assert.rejects(
    createCloud(credentials, scripted([answer(401, { error: { message: "wrong password" } })]).http).session(),
    /401 wrong password/,
  );
});

test("every service's error body gives its message", () => {
  assert.equal(errorMessage('{"itemNotFound":{"code":404,"message":"gone"}}'), "gone");
  assert.equal(errorMessage('{"NeutronError":{"type":"X","message":"in use","detail":""}}'), "in use");
  assert.equal(errorMessage("plain text"), "plain text");
  assert.equal(errorMessage("[1]"), "[1]");
});

test("orNull turns a 404, and nothing else, into null", async () => {
  assert.equal(await orNull(Promise.reject(new ApiError("GET x", 404, ""))), null);
  await assert.rejects(orNull(Promise.reject(new ApiError("GET x", 409, ""))), /409/);
});
