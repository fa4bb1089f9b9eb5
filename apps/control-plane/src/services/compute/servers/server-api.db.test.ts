/** The wire of a server: its fields by microversion, who may see and touch it, lists, metadata, tags, locks, consoles. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { after, before, describe, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { WebSocket } from "ws";

import { attachConsoles } from "../consoles/console-socket.ts";
import { type ComputeLab, type Wire, createComputeLab } from "../testing/compute-lab.ts";

let lab: ComputeLab;
before(async () => {
  lab = await createComputeLab();
});
after(() => lab.close());

const until = (id: string, status: string) =>
  waitUntil(`${status} of ${id}`, async () => (await lab.status(id)) === status, { timeoutMs: 30_000, everyMs: 5 });
const asAdmin = (method: string, path: string, body?: unknown, version: string | null = "2.93") =>
  lab.call(method, path, body, { version, token: lab.adminToken });

describe("servers as others see them", () => {
  let id: string;
  before(async () => {
    id = await lab.boot({ name: "Seen", metadata: { a: "1" }, description: "d" });
    await until(id, "ACTIVE");
    await lab.drain();
  });
  after(async () => {
    await lab.call("DELETE", `/servers/${id}`);
    await until(id, "404");
  });

  const BASE = [
    "OS-DCF:diskConfig",
    "OS-EXT-AZ:availability_zone",
    "OS-EXT-STS:power_state",
    "OS-EXT-STS:task_state",
    "OS-EXT-STS:vm_state",
    "OS-SRV-USG:launched_at",
    "OS-SRV-USG:terminated_at",
    "accessIPv4",
    "accessIPv6",
    "addresses",
    "config_drive",
    "created",
    "flavor",
    "hostId",
    "id",
    "image",
    "key_name",
    "links",
    "metadata",
    "name",
    "os-extended-volumes:volumes_attached",
    "progress",
    "status",
    "tenant_id",
    "updated",
    "user_id",
  ];
  for (const [version, more] of [
    [null, []],
    ["2.8", []],
    ["2.9", ["locked"]],
    ["2.19", ["locked", "description"]],
    ["2.26", ["locked", "description", "tags"]],
    ["2.63", ["locked", "description", "tags", "trusted_image_certificates"]],
    ["2.71", ["locked", "description", "tags", "trusted_image_certificates", "server_groups"]],
    ["2.73", ["locked", "description", "tags", "trusted_image_certificates", "server_groups", "locked_reason"]],
    [
      "2.90",
      [
        "locked",
        "description",
        "tags",
        "trusted_image_certificates",
        "server_groups",
        "locked_reason",
        "OS-EXT-SRV-ATTR:hostname",
      ],
    ],
  ] as const) {
    test(`the fields at ${version ?? "2.1"}`, async () => {
      const { body } = await lab.call("GET", `/servers/${id}`, undefined, { version });
      assert.deepEqual(Object.keys(body.server).toSorted(), [...BASE, ...more].toSorted());
    });
  }

  test("an operator sees where it runs", async () => {
    const { server } = (await asAdmin("GET", `/servers/${id}`, undefined, "2.16")).body;
    assert.equal(server["OS-EXT-SRV-ATTR:host"], "host1");
    assert.equal(server["OS-EXT-SRV-ATTR:hypervisor_hostname"], "fake.example");
    assert.match(server["OS-EXT-SRV-ATTR:instance_name"], /^instance-[0-9a-f]{8}$/);
    assert.equal(server.host_status, "UP");
  });

  test("to another project it does not exist, by any verb", async () => {
    const token = lab.tokenFor();
    for (const [method, path, body] of [
      ["GET", ""],
      ["DELETE", ""],
      ["PUT", "", { server: { name: "x" } }],
      ["POST", "/action", { "os-stop": null }],
      ["POST", "/action", { lock: null }],
      ["POST", "/action", { "os-getConsoleOutput": {} }],
      ["GET", "/metadata"],
      ["PUT", "/metadata", { metadata: {} }],
      ["GET", "/tags"],
      ["PUT", "/tags/x"],
      ["GET", "/ips"],
      ["GET", "/os-interface"],
      ["GET", "/os-instance-actions"],
      ["GET", "/os-security-groups"],
      ["POST", "/remote-consoles", { remote_console: { protocol: "vnc", type: "novnc" } }],
    ] as const) {
      assert.equal((await lab.call(method, `/servers/${id}${path}`, body, { token })).status, 404, `${method} ${path}`);
    }
    assert.deepEqual((await lab.call("GET", "/servers", undefined, { token })).body.servers, []);
    assert.equal((await lab.call("GET", "/servers?all_tenants=1", undefined, { token })).status, 403);
    assert.ok((await asAdmin("GET", "/servers?all_tenants=1")).body.servers.length > 0);
  });

  test("a reader looks and does not touch", async () => {
    const token = lab.tokenFor({ projectId: lab.projectId, roles: ["reader"] });
    assert.equal((await lab.call("GET", `/servers/${id}`, undefined, { token })).status, 200);
    assert.equal((await lab.call("DELETE", `/servers/${id}`, undefined, { token })).status, 403);
    assert.equal((await lab.call("POST", `/servers/${id}/action`, { "os-stop": null }, { token })).status, 403);
    assert.equal(
      (await lab.call("POST", `/servers/${id}/action`, { "os-resetState": { state: "error" } })).status,
      403,
    );
  });

  test("update: the short view until 2.75", async () => {
    const old = await lab.call(
      "PUT",
      `/servers/${id}`,
      { server: { name: "Ünïcode", accessIPv6: "2001:DB8:0:0::1" } },
      { version: null },
    );
    assert.equal(old.status, 200);
    assert.equal(old.body.server.accessIPv6, "2001:db8::1");
    assert.ok(!Object.keys(old.body.server).some((key) => key.startsWith("OS-EXT") || key.startsWith("OS-SRV")));
    const now = await lab.call("PUT", `/servers/${id}`, { server: { name: "Seen", description: null } });
    assert.equal(now.body.server["OS-EXT-STS:vm_state"], "active");
    for (const server of [{ name: "" }, { name: "n".repeat(256) }, { accessIPv4: "x" }, { nonsense: 1 }]) {
      assert.equal((await lab.call("PUT", `/servers/${id}`, { server })).status, 400);
    }
  });

  test("metadata", async () => {
    const path = `/servers/${id}/metadata`;
    assert.deepEqual((await lab.call("POST", path, { metadata: { b: "2" } })).body, { metadata: { a: "1", b: "2" } });
    await lab.drain();
    assert.deepEqual((await lab.call("PUT", `${path}/a`, { meta: { a: "3" } })).body, { meta: { a: "3" } });
    assert.equal((await lab.call("PUT", `${path}/a`, { meta: { c: "3" } })).status, 400);
    assert.equal((await lab.call("DELETE", `${path}/a`)).status, 204);
    assert.equal((await lab.call("GET", `${path}/a`)).status, 404);
    assert.deepEqual((await lab.call("PUT", path, { metadata: { z: "0" } })).body, { metadata: { z: "0" } });
    const many = Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`k${index}`, "v"]));
    assert.equal((await lab.call("PUT", path, { metadata: many })).status, 403);
    assert.equal((await lab.call("PUT", path, { metadata: { "": "v" } })).status, 400);
    assert.equal((await lab.call("GET", `${path}/__proto__`)).status, 404);
  });

  test("tags", async () => {
    const path = `/servers/${id}/tags`;
    assert.equal((await lab.call("PUT", `${path}/x`)).status, 201);
    assert.equal((await lab.call("PUT", `${path}/x`)).status, 204);
    assert.deepEqual((await lab.call("PUT", path, { tags: ["p", "q"] })).body, { tags: ["p", "q"] });
    assert.equal((await lab.call("GET", `${path}/x`)).status, 404);
    assert.deepEqual(
      (await lab.call("GET", "/servers?tags=p,q")).body.servers.map((one: Wire) => one.id),
      [id],
    );
    assert.deepEqual((await lab.call("GET", "/servers?not-tags-any=p")).body.servers, []);
    assert.equal((await lab.call("DELETE", `${path}/p`)).status, 204);
    assert.equal((await lab.call("DELETE", path)).status, 204);
    assert.equal((await lab.call("PUT", `${path}/${"t".repeat(61)}`)).status, 400);
    assert.equal((await lab.call("GET", path, undefined, { version: "2.25" })).status, 404);
  });

  test("lock", async () => {
    const act = (action: object, token?: string) =>
      lab.call("POST", `/servers/${id}/action`, action, token === undefined ? {} : { token });
    assert.equal((await act({ lock: { locked_reason: "mine" } })).status, 202);
    assert.equal((await act({ "os-stop": null })).status, 409);
    assert.equal((await lab.call("GET", `/servers/${id}`)).body.server.locked_reason, "mine");
    assert.deepEqual(
      (await lab.call("GET", "/servers?locked=true")).body.servers.map((one: Wire) => one.id),
      [id],
    );
    assert.equal((await act({ unlock: null })).status, 202);
    assert.equal((await act({ lock: null }, lab.adminToken)).status, 202);
    assert.equal((await act({ unlock: null })).status, 403);
    assert.equal((await act({ unlock: null }, lab.adminToken)).status, 202);
  });

  test("filters and pages of the list", async () => {
    const found = async (query: string, version: string | null = "2.93") => {
      const { body, status } = await lab.call("GET", `/servers?${query}`, undefined, { version });
      return status === 200 ? body.servers.length : status;
    };
    assert.equal(await found("name=See"), 1);
    assert.equal(await found("name=none"), 0);
    assert.equal(await found("name=%5B"), 400);
    assert.equal(await found("status=active"), 1);
    assert.equal(await found("status=ACTIVE&status=SHUTOFF"), 1);
    assert.equal(await found("status=NONSENSE"), 400);
    assert.equal(await found("status=NONSENSE", null), 0);
    assert.equal(await found(`image=${lab.imageId}`), 1);
    assert.equal(await found("image=none"), 0);
    assert.equal(await found("flavor=tiny"), 1);
    assert.equal(await found("limit=testing"), 400);
    assert.equal(await found("limit=-1"), 400);
    assert.equal(await found("limit=0"), 0);
    assert.equal(await found("marker=none"), 400);
    assert.equal(await found("changes-since=2011/01/01"), 400);
    assert.equal(await found("changes-since=2051-01-01T12:34:00Z"), 0);
    assert.equal(await found("changes-since=2011-01-01T12:34:00"), 1);
    assert.equal(await found("nonsense=1"), 400);
    assert.equal(await found("nonsense=1", null), 1);
    assert.equal(await found("power_state=1"), 1);
    assert.equal(await found("vm_state=active&task_state=none"), 0);
    assert.equal(await found("sort_key=none"), 400);
    assert.equal(await found("sort_key=display_name&sort_dir=asc"), 1);
    const page = await lab.call("GET", "/servers/detail?limit=1");
    assert.equal(page.body.servers_links[0].rel, "next");
    assert.match(page.body.servers_links[0].href, new RegExp(`/compute/v2.1/servers/detail\\?limit=1&marker=${id}$`));
  });

  test("an action that does not exist is 400, and one of another time 404", async () => {
    const act = (action: object, version = "2.93") => lab.call("POST", `/servers/${id}/action`, action, { version });
    assert.equal((await act({ fly: {} })).status, 400);
    assert.equal((await act({ constructor: {} })).status, 400);
    assert.equal((await act({})).status, 400);
    assert.equal((await act({ reboot: { type: "WARM" } })).status, 400);
    assert.equal((await act({ "os-getVNCConsole": { type: "novnc" } })).status, 404);
    assert.equal((await act({ "os-getVNCConsole": { type: "novnc" } }, "2.5")).status, 200);
    assert.equal((await act({ "os-getConsoleOutput": { length: 5 } })).body.output, `output of ${id}\n`);
    assert.equal((await act({ "os-getConsoleOutput": { length: "x" } })).status, 400);
  });

  test("consoles: a token opens one stream once; bytes pass both ways", async () => {
    const http = createServer();
    attachConsoles(lab.app, http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    try {
      const granted = await lab.call("POST", `/servers/${id}/remote-consoles`, {
        remote_console: { protocol: "vnc", type: "novnc" },
      });
      assert.match(granted.body.remote_console.url, /^wss:\/\/customer\.test\/compute\/console\/vnc\?token=[\w-]{43}$/);
      const target = new URL(granted.body.remote_console.url);
      const at = (path: string) => `ws://127.0.0.1:${port}${path}`;
      assert.equal(await refusal(at(`/compute/console/serial${target.search}`)), 401);
      const socket = new WebSocket(at(target.pathname + target.search), ["binary"]);
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      assert.equal(socket.protocol, "binary");
      const answer = new Promise<Buffer>((resolve) => socket.once("message", (data: Buffer) => resolve(data)));
      socket.send(Buffer.from("hello"));
      const guest = lab.agent.lastStream;
      assert.ok(guest);
      assert.equal(String(await new Promise((resolve) => guest.once("data", resolve))), "hello");
      guest.write("RFB 003.008\n");
      assert.equal(String(await answer), "RFB 003.008\n");
      const closed = new Promise((resolve) => socket.once("close", resolve));
      guest.end();
      guest.destroy();
      await closed;
      assert.equal(await refusal(at(target.pathname + target.search)), 401);
      assert.equal(await refusal(at("/compute/console/vnc?token=")), 401);
      assert.equal(await refusal(at("/elsewhere")), 404);
      const events = await lab.app
        .db`select action from event where target_id = ${id} and action like 'compute.console.%'`;
      assert.ok(events.some((event) => event["action"] === "compute.console.open"));
    } finally {
      http.closeAllConnections();
      http.close();
    }
  });

  test("consoles: a handshake that fails leaves no stream open, and closing ends those that are", async () => {
    const http = createServer();
    const consoles = attachConsoles(lab.app, http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    const grant = async (): Promise<string> => {
      const remote_console = { protocol: "vnc", type: "novnc" };
      const granted = await lab.call("POST", `/servers/${id}/remote-consoles`, { remote_console });
      const url = new URL(granted.body.remote_console.url);
      return url.pathname + url.search;
    };
    const ended = (): Promise<unknown> => {
      const guest = lab.agent.lastStream;
      assert.ok(guest);
      return new Promise((resolve) => guest.resume().once("close", resolve).once("end", resolve));
    };
    const head = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    const ask = async (path: string, more: string): Promise<string> => {
      const socket = connect(port, "127.0.0.1");
      socket.write(`GET ${path} HTTP/1.1\r\n${head}${more}\r\n`);
      return String(await new Promise((resolve) => socket.once("data", resolve)));
    };
    try {
      assert.match(await ask(await grant(), "Sec-WebSocket-Key: short\r\n"), /^HTTP\/1\.1 400 /);
      await ended();
      assert.match(await ask("//", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"), /^HTTP\/1\.1 404 /);
      const socket = new WebSocket(`ws://127.0.0.1:${port}${await grant()}`);
      await new Promise((resolve) => socket.once("open", resolve));
      const closed = new Promise((resolve) => socket.once("close", resolve));
      const over = ended();
      consoles.close();
      await Promise.all([closed, over]);
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    } finally {
      http.closeAllConnections();
      http.close();
    }
  });

  /** The status of an upgrade that is refused. */
  const refusal = (url: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.once("open", () => reject(new Error("it was let in")));
      socket.once("error", () => undefined);
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
    });
});
