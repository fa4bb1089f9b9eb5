import assert from "node:assert/strict";
import { type Server, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import { connectOvsdb } from "@andromede/ovsdb/client";
import { ovnNorthbound } from "@andromede/ovsdb/ovn-northbound";
import { type Change, type Uuid, named } from "@andromede/ovsdb/types";
import { type TestOvsdbServer, startOvsdbServer } from "@andromede/testkit/engines";

const NORTHBOUND = "usr/share/ovn/ovn-nb.ovsschema";
let server: TestOvsdbServer;
before(async () => {
  server = await startOvsdbServer({ schema: NORTHBOUND });
});
after(() => server.stop());

const connect = (address: string, leaderOnly = false) =>
  connectOvsdb({
    address,
    database: ovnNorthbound,
    log: silentLogger,
    leaderOnly,
    maxBackoffMs: 100,
    monitor: {
      Logical_Switch: {},
      Logical_Switch_Port: { columns: ["name", "addresses", "external_ids", "enabled"] },
      Gateway_Chassis: {},
    },
  });
type Client = ReturnType<typeof connect>;

async function withClient(body: (client: Client) => Promise<void>, address = server.address): Promise<void> {
  const client = connect(address);
  try {
    await client.ready(5_000);
    await body(client);
  } finally {
    client.close();
  }
}

async function insertSwitch(client: Client, name: string): Promise<Uuid> {
  const [result] = await client.transact([
    { op: "insert", table: "Logical_Switch", row: { name, external_ids: { by: "test" } } },
  ]);
  assert.ok(result?.uuid);
  return result.uuid;
}

test("what a transaction wrote is in the copy when it resolves; another client sees it too", async () => {
  await withClient(async (one) => {
    await withClient(async (two) => {
      const [inserted, port] = await one.transact([
        {
          op: "insert",
          table: "Logical_Switch",
          row: { name: "alpha", ports: [named("port")], other_config: { a: "1", b: "2" } },
        },
        {
          op: "insert",
          table: "Logical_Switch_Port",
          uuidName: "port",
          row: { name: "alpha-port", addresses: ["unknown"], enabled: true },
        },
      ]);
      assert.ok(inserted?.uuid && port?.uuid);
      const row = one.table("Logical_Switch").get(inserted.uuid);
      assert.deepEqual(row?.ports, [port.uuid]);
      assert.deepEqual(row.other_config, { a: "1", b: "2" });
      const portRow = one.table("Logical_Switch_Port").get(port.uuid);
      assert.deepEqual(portRow, {
        _uuid: port.uuid,
        name: "alpha-port",
        addresses: ["unknown"],
        external_ids: {},
        enabled: true,
      });

      await one.transact([
        {
          op: "mutate",
          table: "Logical_Switch",
          where: [["_uuid", "==", inserted.uuid]],
          mutations: [
            ["other_config", "delete", ["a"]],
            ["other_config", "insert", { c: "3" }],
          ],
        },
        { op: "update", table: "Logical_Switch_Port", where: [["_uuid", "==", port.uuid]], row: { enabled: null } },
      ]);
      assert.deepEqual(one.table("Logical_Switch").get(inserted.uuid)?.other_config, { b: "2", c: "3" });
      assert.equal(one.table("Logical_Switch_Port").get(port.uuid)?.enabled, null);
      const switchUuid = inserted.uuid;
      await waitUntil(
        "the other client to see it",
        () => two.table("Logical_Switch").get(switchUuid)?.other_config["c"] === "3",
        { timeoutMs: 30_000, everyMs: 5 },
      );

      await one.transact([{ op: "delete", table: "Logical_Switch", where: [["_uuid", "==", inserted.uuid]] }]);
      assert.equal(one.table("Logical_Switch").get(inserted.uuid), undefined);
      assert.equal(one.table("Logical_Switch_Port").get(port.uuid), undefined, "the port went with its switch");
    });
  });
});

test("an index follows inserts, changes and deletes", async () => {
  await withClient(async (client) => {
    const byName = client.table("Logical_Switch").indexBy((row) => row.name);
    const uuid = await insertSwitch(client, "indexed");
    assert.equal(byName.first("indexed")?._uuid, uuid);
    await client.transact([
      { op: "update", table: "Logical_Switch", where: [["_uuid", "==", uuid]], row: { name: "renamed" } },
    ]);
    assert.equal(byName.first("indexed"), undefined);
    assert.equal(byName.all("renamed").length, 1);
    await client.transact([{ op: "delete", table: "Logical_Switch", where: [["_uuid", "==", uuid]] }]);
    assert.deepEqual(byName.all("renamed"), []);
  });
});

test("errors are typed, and a failed transaction leaves nothing", async () => {
  await withClient(async (client) => {
    const size = client.table("Logical_Switch").rows.size;
    const orphan = { op: "insert", table: "Logical_Switch", row: { name: "orphan" } } as const;
    await assert.rejects(
      client.transact([
        orphan,
        {
          op: "wait",
          table: "Logical_Switch",
          where: [["name", "==", "nobody"]],
          columns: ["name"],
          until: "==",
          rows: [{ name: "nobody" }],
        },
      ]),
      { code: "waitTimedOut", kind: "conflict", operation: 1 },
    );
    const port = (uuidName: string) =>
      ({ op: "insert", table: "Logical_Switch_Port", uuidName, row: { name: "twin" } }) as const;
    await assert.rejects(
      client.transact([
        port("one"),
        port("two"),
        { op: "insert", table: "Logical_Switch", row: { name: "twins", ports: [named("one"), named("two")] } },
      ]),
      { code: "constraintViolation" },
    );
    const ghost = "11111111-2222-3333-4444-555555555555" as Uuid;
    await assert.rejects(
      client.transact([{ op: "insert", table: "Logical_Switch", row: { name: "ghostly", ports: [ghost] } }]),
      {
        code: "referentialIntegrityViolation",
      },
    );
    await assert.rejects(client.transact([orphan, { op: "abort" }]), { code: "aborted" });
    assert.equal(client.table("Logical_Switch").rows.size, size);
  });
});

test("changes are told to listeners and to iterations, with the row before and after", async () => {
  await withClient(async (client) => {
    const told: Change<{ Logical_Switch: { name: string } }>[] = [];
    const forget = client.onChange((changes) => {
      for (const change of changes) if (change.table === "Logical_Switch") told.push(change);
    });
    const iterated = (async () => {
      for await (const changes of client.changes()) return changes;
      return [];
    })();
    const uuid = await insertSwitch(client, "told");
    await client.transact([
      { op: "update", table: "Logical_Switch", where: [["_uuid", "==", uuid]], row: { name: "told again" } },
    ]);
    forget();
    await client.transact([{ op: "delete", table: "Logical_Switch", where: [["_uuid", "==", uuid]] }]);
    assert.deepEqual(
      told.map(({ before: was, after: is }) => [was?.name, is?.name]),
      [
        [undefined, "told"],
        ["told", "told again"],
      ],
    );
    assert.equal((await iterated)[0]?.uuid, uuid);
  });
});

test("a restarted server: transactions are refused meanwhile, the copy ends equal to the database", async () => {
  await withClient(async (client) => {
    const gone = await insertSwitch(client, "gone-meanwhile");
    const kept = await insertSwitch(client, "kept");
    const changed: string[] = [];
    await server.kill();
    await waitUntil("the loss to be seen", () => !client.synchronized, { timeoutMs: 30_000, everyMs: 5 });
    await assert.rejects(client.transact([{ op: "delete", table: "Logical_Switch", where: [["_uuid", "==", kept]] }]), {
      code: "connectionLost",
      kind: "unavailable",
    });
    client.onChange((changes) => changed.push(...changes.map((change) => change.uuid)));
    await server.start();
    await client.ready(5_000);
    assert.equal(changed.length, 0, "nothing changed, so nothing is told");

    await withClient(async (other) => {
      await other.transact([{ op: "delete", table: "Logical_Switch", where: [["_uuid", "==", gone]] }]);
    });
    await waitUntil("the delete to arrive", () => changed.includes(gone), { timeoutMs: 30_000, everyMs: 5 });
    assert.equal(client.table("Logical_Switch").get(gone), undefined);
    assert.equal(client.table("Logical_Switch").get(kept)?.name, "kept");
  });
});

test("a clustered database: the leader is used, and missed changes are asked for after a reconnection", async () => {
  const cluster = await startOvsdbServer({ schema: NORTHBOUND, clustered: true });
  const client = connect(cluster.address, true);
  try {
    await client.ready(10_000);
    const uuid = await insertSwitch(client, "clustered");
    await cluster.kill();
    await cluster.start();
    await waitUntil("the loss to be seen", () => !client.synchronized, { timeoutMs: 30_000, everyMs: 1 }).catch(
      () => undefined,
    );
    await client.ready(10_000);
    assert.equal(client.table("Logical_Switch").get(uuid)?.name, "clustered");
    await client.transact([{ op: "delete", table: "Logical_Switch", where: [["_uuid", "==", uuid]] }]);
    assert.equal(client.table("Logical_Switch").rows.size, 0);
  } finally {
    client.close();
    await cluster.stop();
  }
});

test("a server that accepts and says nothing never makes a client ready, and closing ends the wait", async () => {
  const mute: Server = createServer(() => undefined);
  const path = join(server.directory, "mute.sock");
  await new Promise<void>((resolve) => mute.listen(path, resolve));
  const client = connect(`unix:${path}`);
  try {
    await assert.rejects(client.ready(100), { code: "connectionLost" });
    const waiting = client.ready();
    client.close();
    await assert.rejects(waiting, { code: "connectionLost" });
  } finally {
    client.close();
    mute.close();
  }
});
