/** A list shows of each server what showing that server shows, whatever has changed since the list before. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type ComputeLab, type Wire, createComputeLab } from "../testing/compute-lab.ts";

let lab: ComputeLab;
let ids: string[] = [];
before(async () => {
  lab = await createComputeLab();
  ids = [await lab.boot({ name: "first" }), await lab.boot({ name: "second" })];
  for (const id of ids) {
    await waitUntil("the server", async () => (await lab.status(id)) === "ACTIVE", { timeoutMs: 30_000, everyMs: 5 });
  }
  await lab.drain();
  const { db } = lab.app;
  await db`insert into network (id, project_id, name, mtu, network_type) values ('n', 'p', 'plain', 1442, 'geneve')`;
  await db`insert into security_group (id, project_id, name) values ('g1', 'p', 'web'), ('g2', 'p', 'mail')`;
});
after(() => lab.close());

const addPort = async (id: string, groups: string[]): Promise<void> => {
  const fixedIps = lab.app.db.json([{ subnet_id: "s", ip_address: "10.0.0.5" }]);
  await lab.app.db`
    insert into port (id, project_id, network_id, network_project_id, mac_address, fixed_ips, security_group_ids, port_security_enabled, server_id,
      device_id, device_owner)
    values (${id}, 'p', 'n', 'p', ${`mac-${id}`}, ${fixedIps}, ${groups}, true, ${ids[0] ?? ""}, ${ids[0] ?? ""}, 'compute:nova')`;
};

/** All servers at their doors, and as the list has them. */
async function bothWays(version: string | null, token: string): Promise<[Wire[], Wire[]]> {
  const everybodys = token === lab.adminToken ? "&all_tenants=1" : "";
  const ask = (path: string) => lab.call("GET", path, undefined, { version, token });
  const { servers } = (await ask(`/servers/detail?sort_key=created_at&sort_dir=asc${everybodys}`)).body;
  const shown = await Promise.all(ids.map(async (id) => (await ask(`/servers/${id}`)).body.server));
  // lists do not have this one
  for (const server of shown) delete server.server_groups;
  return [servers, shown];
}

const CHANGES: [string, () => Promise<unknown>][] = [
  ["its name", () => lab.call("PUT", `/servers/${ids[0]}`, { server: { name: "a new name" } })],
  ["its metadata", () => lab.call("POST", `/servers/${ids[0]}/metadata`, { metadata: { colour: "red" } })],
  ["a port", () => addPort("port1", ["g1"])],
  ["a second port with another group", () => addPort("port2", ["g2", "g1"])],
  ["the name of a network", () => lab.app.db`update network set name = ${'with "quotes"'} where id = 'n'`],
  ["the name of a group", () => lab.app.db`update security_group set name = 'zzz' where id = 'g2'`],
  [
    "a fixed address",
    () =>
      lab.app
        .db`update port set fixed_ips = ${lab.app.db.json([{ subnet_id: "s", ip_address: "fd00::5" }])} where id = 'port2'`,
  ],
  [
    "a floating address",
    () => lab.app.db`
      with own as (insert into port (id, project_id, network_id, network_project_id, mac_address, port_security_enabled, device_owner)
        values ('fp', '', 'n', 'p', 'mac-fp', false, 'network:floatingip') returning id)
      insert into floatingip (id, project_id, floating_network_id, floating_ip_address, floating_port_id, port_id, fixed_ip_address, router_id)
      select 'f', 'p', 'n', '172.24.0.9', own.id, 'port1', '10.0.0.5', null from own`,
  ],
  ["no floating address", () => lab.app.db`delete from floatingip where id = 'f'`],
  ["one port less", () => lab.app.db`delete from port where id = 'port1'`],
  [
    "a volume",
    () => lab.app.db`
      insert into server_disk (id, server_id, project_id, source_type, destination_type, volume_id, device_name, changed_at, created_at)
      values ('d', ${ids[1] ?? ""}, 'p', 'volume', 'volume', 'v', '/dev/vdb', now(), now())`,
  ],
  ["a volume's wish", () => lab.app.db`update server_disk set delete_on_termination = true where id = 'd'`],
  ["the host, for operators", () => lab.app.db`update compute_host set disabled = true`],
];

test("after each change", async () => {
  let before = "";
  for (const [what, change] of [["nothing", () => Promise.resolve()] as const, ...CHANGES]) {
    await change();
    for (const [version, token] of [
      [null, lab.token],
      ["2.93", lab.token],
      ["2.93", lab.adminToken],
    ] as const) {
      const [listed, shown] = await bothWays(version, token);
      assert.equal(listed.length, 2);
      assert.deepEqual(listed, shown, what);
      if (token !== lab.adminToken) continue;
      assert.notEqual(JSON.stringify(listed), before, what);
      before = JSON.stringify(listed);
    }
  }
});
