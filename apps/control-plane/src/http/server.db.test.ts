/** What the front does to clients that misbehave, and when the database is away. Over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { after, before, test } from "node:test";

import { type TestApp, createTestApp } from "../testing/test-app.ts";
import { createDoor, createHttpServer } from "./server.ts";
import { type Service, ok, route } from "./service.ts";

const failing = (code: string, more: object = {}) =>
  route({
    method: "GET",
    path: `/fails/${code}`,
    rule: "open",
    handler: () => Promise.reject(Object.assign(new Error("secret cause"), { code, ...more })),
  });

const CASES: [code: string, more: object, status: number][] = [
  ["ECONNREFUSED", { syscall: "connect" }, 503],
  ["ENOENT", { syscall: "connect" }, 503],
  ["CONNECTION_CLOSED", {}, 503],
  ["CONNECT_TIMEOUT", {}, 503],
  ["57P01", { name: "PostgresError" }, 503],
  ["57P03", { name: "PostgresError" }, 503],
  ["53300", { name: "PostgresError" }, 503],
  ["53100", { name: "PostgresError" }, 503],
  ["22003", { name: "PostgresError" }, 400],
  ["42703", { name: "PostgresError" }, 500],
  ["EACCES", { syscall: "open" }, 500],
];

const service: Service = {
  name: "network",
  mount: "/x",
  rules: [{ name: "open", role: "anyone", description: "" }],
  routes: [
    route({ method: "POST", path: "/echo", rule: "open", body: { type: "object" }, handler: ({ body }) => ok(body) }),
    route({ method: "GET", path: "/door", rule: "open", handler: ({ plane, baseUrl }) => ok({ plane, baseUrl }) }),
    ...CASES.map(([code, more]) => failing(code, more)),
  ],
  errorBody: (error, status) => ({ status, body: { said: error.message } }),
};

let app: TestApp;
let port: number;
let operatorPort: number;
let close: () => Promise<void>;
before(async () => {
  app = await createTestApp({ services: [service] });
  const server = createHttpServer(app.app, { plane: "customer", baseUrl: "http://x" }, [service], { bodyMs: 200 });
  await server.listen({ host: "127.0.0.1", port: 0 });
  ({ port } = server.server.address() as AddressInfo);
  const door = createDoor(app.app, { plane: "operator", baseUrl: "http://y" }, server);
  await once(door.listen(0, "127.0.0.1"), "listening");
  operatorPort = (door.address() as AddressInfo).port;
  close = async () => {
    door.close();
    door.closeAllConnections();
    server.server.closeAllConnections();
    await server.close();
    await app.close();
  };
});
after(() => close());

/** All that comes back until the server closes the connection. */
function converse(text: string, at = port): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = "";
    const socket = connect(at, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => (heard += chunk.toString()));
    socket.once("close", () => resolve(heard));
    socket.once("error", reject);
  });
}

test("a body that does not come in time: 408 in the API's format, and the connection ends", async () => {
  const heard = await converse('POST /x/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a":');
  assert.match(heard, /^HTTP\/1\.1 408 /);
  assert.match(heard, /"said":"The request body did not come in time"/);
});

test("a body that is there in time is not bothered later", async () => {
  const heard = await converse(
    'POST /x/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{"a":1}',
  );
  assert.match(heard, /^HTTP\/1\.1 200 /);
  assert.ok(heard.endsWith('{"a":1}'));
});

for (const [code, , status] of CASES) {
  test(`${code}: ${status}, and its cause stays here`, async () => {
    const answer = await app.inject({ method: "GET", url: `/x/fails/${code}` });
    assert.equal(answer.status, status);
    assert.doesNotMatch(answer.text, /secret cause/);
  });
}

test("two doors share the routes, and each request knows which one it came through", async () => {
  const ask = "GET /x/door HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  assert.match(await converse(ask), /\{"plane":"customer","baseUrl":"http:\/\/x"\}$/);
  assert.match(await converse(ask, operatorPort), /\{"plane":"operator","baseUrl":"http:\/\/y"\}$/);
});

test("what is not HTTP is refused at either door", async () => {
  for (const at of [port, operatorPort]) assert.match(await converse("nonsense\r\n\r\n", at), /^HTTP\/1\.1 400 /);
});
