import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type Server, type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, test } from "node:test";

import { CloudError } from "@andromede/base/errors";

import {
  deviceDel,
  listObjects,
  migrate,
  queryMigrate,
  queryStatus,
  ringbufRead,
  setMigrationCapabilities,
} from "./commands.ts";
import { QmpError, connectMonitor } from "./monitor.ts";

type Request = { execute: string; arguments: { [name: string]: unknown }; id: number };

/** A QEMU that says what the test tells it to. */
class FakeQemu {
  readonly directory = mkdtempSync(join(tmpdir(), "andromede-qmp-"));
  readonly socketPath = join(this.directory, "qmp.sock");
  readonly heard: Request[] = [];
  greeting = '{"QMP":{"version":{"qemu":{"major":10,"minor":0,"micro":13},"package":""},"capabilities":["oob"]}}';
  answer: (request: Request) => unknown = () => ({ return: {} });
  socket: Socket | undefined;
  readonly #server: Server = createServer((socket) => {
    this.socket = socket;
    socket.on("error", () => undefined);
    if (this.greeting !== "") socket.write(`${this.greeting}\r\n`);
    createInterface({ input: socket }).on("line", (line) => {
      const request = JSON.parse(line) as Request;
      this.heard.push(request);
      const answer = this.answer(request);
      if (answer !== undefined) socket.write(`${JSON.stringify({ ...(answer as object), id: request.id })}\r\n`);
    });
  });

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.socketPath, resolve));
  }

  say(text: string): void {
    this.socket?.write(text);
  }

  close(): void {
    this.socket?.destroy();
    this.#server.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

describe("QMP monitor", () => {
  let qemu: FakeQemu;
  beforeEach(async () => {
    qemu = new FakeQemu();
    await qemu.listen();
  });
  afterEach(() => qemu.close());
  const connect = (): ReturnType<typeof connectMonitor> => connectMonitor(qemu.socketPath, { timeoutMs: 30_000 });

  test("negotiates, and knows the version", async () => {
    const monitor = await connect();
    assert.equal(monitor.version, "10.0.13");
    assert.deepEqual(
      qemu.heard.map(({ execute }) => execute),
      ["qmp_capabilities"],
    );
    monitor.close();
    await monitor.closed;
  });

  test("matches replies to commands by id, whatever their order", async () => {
    const monitor = await connect();
    const held: Request[] = [];
    qemu.answer = (request) => {
      held.push(request);
      if (held.length === 2) {
        for (const { execute, id } of held.toReversed())
          qemu.say(`${JSON.stringify({ return: `of ${execute}`, id })}\n`);
      }
      return undefined;
    };
    const [one, two] = await Promise.all([monitor.execute("one"), monitor.execute("two")]);
    assert.deepEqual([one, two], ["of one", "of two"]);
    monitor.close();
  });

  test("a refusal is a QmpError with QEMU's class and words", async () => {
    const monitor = await connect();
    qemu.answer = () => ({ error: { class: "DeviceNotFound", desc: "Device 'x' not found" } });
    await assert.rejects(deviceDel(monitor, "x"), (error) => {
      assert.ok(error instanceof QmpError);
      assert.equal(error.errorClass, "DeviceNotFound");
      assert.equal(error.message, "device_del: Device 'x' not found");
      return true;
    });
    monitor.close();
  });

  test("events come in pieces and together, to all who listen, and to who waits for one", async () => {
    const monitor = await connect();
    const names: string[] = [];
    const forget = monitor.onEvent(({ name }) => names.push(name));
    const stopped = monitor.nextEvent(({ name, data }) => name === "DEVICE_DELETED" && data["device"] === "nic", 2_000);
    qemu.say('{"timestamp":{"seconds":12,"microseconds":500000},"event":"RE');
    qemu.say(
      'SUME"}\r\n{"event":"DEVICE_DELETED","data":{"device":"other"}}\r\n{"event":"DEVICE_DELETED","data":{"device":"nic"}}\r\n',
    );
    assert.equal((await stopped).data["device"], "nic");
    assert.deepEqual(names, ["RESUME", "DEVICE_DELETED", "DEVICE_DELETED"]);
    forget();
    qemu.say('{"event":"STOP"}\n');
    await monitor.execute("sync");
    assert.equal(names.length, 3);
    monitor.close();
  });

  test("the end of QEMU ends what is under way, and `closed` tells of it", async () => {
    const monitor = await connect();
    qemu.answer = () => undefined;
    const unanswered = assert.rejects(
      monitor.execute("query-status"),
      (error) => error instanceof CloudError && error.kind === "unavailable",
    );
    const unsaid = assert.rejects(
      monitor.nextEvent(() => true, 60_000),
      /exited before/,
    );
    qemu.socket?.destroy();
    await Promise.all([unanswered, unsaid, monitor.closed]);
    await assert.rejects(monitor.execute("cont"), /QEMU is gone/);
  });

  test("no answer in time is said so, and a late one is no trouble", async () => {
    const monitor = await connect();
    let late: Request | undefined;
    qemu.answer = (request) => {
      if (late !== undefined) return { return: "second" };
      late = request;
      return undefined;
    };
    await assert.rejects(monitor.execute("slow", {}, { timeoutMs: 20 }), /did not answer slow within 20 ms/);
    qemu.say(`${JSON.stringify({ return: "first", id: late?.id })}\n`);
    assert.equal(await monitor.execute("next"), "second");
    monitor.close();
  });

  test("nobody there, no greeting, or no JSON: no monitor", async () => {
    await assert.rejects(connectMonitor(`${qemu.socketPath}.not`, { timeoutMs: 100 }), /ENOENT/);
    qemu.greeting = "";
    await assert.rejects(connectMonitor(qemu.socketPath, { timeoutMs: 50 }), /no QMP greeting/);
    qemu.greeting = "SSH-2.0-OpenSSH";
    await assert.rejects(connect(), /closed before its QMP greeting/);
  });

  test("commands say what QEMU's schema says", async () => {
    const monitor = await connect();
    qemu.answer = ({ execute }) => {
      if (execute === "query-status") return { return: { status: "prelaunch", running: false } };
      if (execute === "query-migrate") return { return: { status: "failed", "error-desc": "No space left on device" } };
      if (execute === "ringbuf-read") return { return: Buffer.from([0, 255]).toString("base64") };
      if (execute === "qom-list")
        return {
          return: [
            { name: "nic-1", type: "child<virtio-net-pci>" },
            { name: "type", type: "string" },
          ],
        };
      return { return: {} };
    };
    assert.equal(await queryStatus(monitor), "prelaunch");
    assert.deepEqual(await queryMigrate(monitor), { status: "failed", reason: "No space left on device" });
    assert.deepEqual(await ringbufRead(monitor, "ring", 10), Buffer.from([0, 255]));
    assert.deepEqual(await listObjects(monitor, "/machine/peripheral"), ["nic-1"]);
    await migrate(monitor, "file:/guest/run/state");
    await setMigrationCapabilities(monitor, { events: true });
    assert.deepEqual(
      qemu.heard.slice(-2).map(({ execute, arguments: args }) => ({ execute, args })),
      [
        { execute: "migrate", args: { uri: "file:/guest/run/state" } },
        { execute: "migrate-set-capabilities", args: { capabilities: [{ capability: "events", state: true }] } },
      ],
    );
    monitor.close();
  });
});
