/** No list reads a big table from end to end: each is explained against a database with many projects' resources. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import postgres from "postgres";

import { parseQuery } from "../../http/query.ts";
import { readListRequest } from "./common/list-request.ts";
import { floatingIpAttributes } from "./floating-ips/floating-ip.schema.ts";
import { listFloatingIps } from "./floating-ips/floating-ip.queries.ts";
import { listNetworks } from "./networks/network.queries.ts";
import { networkAttributes } from "./networks/network.schema.ts";
import { listPorts } from "./ports/port.queries.ts";
import { portAttributes } from "./ports/port.schema.ts";
import { listRouters } from "./routers/router.queries.ts";
import { routerAttributes } from "./routers/router.schema.ts";
import { listRules, listRulesOfGroups } from "./security-group-rules/security-group-rule.queries.ts";
import { securityGroupRuleAttributes } from "./security-group-rules/security-group-rule.schema.ts";
import { listSecurityGroups } from "./security-groups/security-group.queries.ts";
import { securityGroupAttributes } from "./security-groups/security-group.schema.ts";
import {
  addressesOfServers,
  securityGroupsOfServers,
  serverInterfaces,
  serverPortsReady,
} from "./servers/read-server-ports.ts";
import { listSubnets } from "./subnets/subnet.queries.ts";
import { subnetAttributes } from "./subnets/subnet.schema.ts";
import { type World, createWorld } from "./testing/network-world.ts";

let world: World;

const PROJECTS = 3000;

/** 3,000 projects, each with a network, subnet, router, 8 ports, floating IPs and a group with rules: ids are project-number by class. */
async function seed(sql: postgres.Sql): Promise<void> {
  const all = sql`generate_series(1, ${PROJECTS}) p`;
  await sql`insert into network (id, project_id, name, mtu, network_type) select 'n' || p, 'p' || p, 'net', 1442, 'geneve' from ${all}`;
  await sql`insert into network (id, project_id, name, mtu, network_type, external) values ('ext', 'op', 'ext', 1500, 'geneve', true)`;
  await sql`insert into subnet (id, project_id, network_id, ip_version, cidr, allocation_pools) select 's' || p, 'p' || p, 'n' || p, 4, '10.0.0.0/16', '[]' from ${all}`;
  await sql`insert into subnet (id, project_id, network_id, ip_version, cidr, allocation_pools) values ('sext', 'op', 'ext', 4, '172.24.0.0/16', '[]')`;
  await sql`insert into security_group (id, project_id, name) select 'g' || p, 'p' || p, 'default' from ${all}`;
  await sql`insert into security_group_rule (id, project_id, security_group_id, direction, ethertype, match_prefix)
    select 'rule' || p || '-' || i, 'p' || p, 'g' || p, 'ingress', 'IPv4', i::text from ${all}, generate_series(1, 6) i`;
  await sql`begin`;
  await sql`insert into port (id, project_id, network_id, network_project_id, mac_address, fixed_ips, security_group_ids, port_security_enabled, server_id, device_id, device_owner)
    select 'port' || p || '-' || i, 'p' || p, 'n' || p, 'p' || p, 'mac' || i, '[]', array['g' || p], true, 'server' || p || '-' || i, 'server' || p || '-' || i, 'compute:nova'
    from ${all}, generate_series(1, 8) i`;
  await sql`insert into port (id, project_id, network_id, network_project_id, mac_address, port_security_enabled, device_owner)
    select 'fp' || p, '', 'ext', 'op', 'mac' || p, false, 'network:floatingip' from ${all}`;
  await sql`insert into ip_allocation (subnet_id, address, port_id)
    select 's' || p, '10.0.0.0'::inet + i, 'port' || p || '-' || i from ${all}, generate_series(1, 8) i`;
  await sql`commit`;
  await sql`insert into router (id, project_id) select 'r' || p, 'p' || p from ${all}`;
  await sql`insert into floatingip (id, project_id, floating_network_id, floating_ip_address, floating_port_id)
    select 'f' || p, 'p' || p, 'ext', host('172.24.0.0'::inet + p), 'fp' || p from ${all}`;
  await sql`analyze`;
}

/** A connection that says how the server ran what it was sent. */
let explained: postgres.Sql;
let plans: string[] = [];

before(async () => {
  world = await createWorld();
  const { database } = world.test.app.config;
  assert.ok("socketDir" in database);
  explained = postgres({
    host: database.socketDir,
    port: database.port,
    database: database.name,
    username: database.user,
    max: 1,
    onnotice: (notice) => void plans.push(notice["message"] ?? ""),
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
  });
  await seed(explained);
  await explained`load 'auto_explain'`;
  await explained`set auto_explain.log_min_duration = 0`;
  await explained`set client_min_messages = 'log'`;
});
after(async () => {
  await explained.end();
  await world.close();
});

/** Runs what a query function sends; gives the tables that were read from end to end. */
async function seqScans(send: (sql: postgres.Sql) => Promise<unknown>): Promise<string[]> {
  plans = [];
  await send(explained);
  assert.ok(
    plans.some((plan) => plan.includes("Query Text")),
    "the server explained something",
  );
  return plans.flatMap((plan) => [...plan.matchAll(/Seq Scan on (\w+)/g)].map((match) => match[1] ?? ""));
}

const requester = { projectId: "p7", admin: false };
const page = (attributes: Parameters<typeof readListRequest>[1], raw: string) =>
  readListRequest(parseQuery(raw), attributes);

const CASES: [string, (sql: postgres.Sql) => Promise<unknown>][] = [
  ["networks", (sql) => listNetworks(sql, requester, page(networkAttributes(false), ""))],
  [
    "external networks",
    (sql) => listNetworks(sql, requester, page(networkAttributes(false), "router%3Aexternal=True")),
  ],
  ["a page of networks", (sql) => listNetworks(sql, requester, page(networkAttributes(false), "limit=5&marker=n7"))],
  ["subnets", (sql) => listSubnets(sql, requester, page(subnetAttributes, ""))],
  ["subnets of a network", (sql) => listSubnets(sql, requester, page(subnetAttributes, "network_id=n7"))],
  ["ports", (sql) => listPorts(sql, requester, page(portAttributes(false), ""))],
  ["ports of a network", (sql) => listPorts(sql, requester, page(portAttributes(false), "network_id=n7"))],
  ["ports of a device", (sql) => listPorts(sql, requester, page(portAttributes(false), "device_id=server7-3"))],
  [
    "ports at an address",
    (sql) => listPorts(sql, requester, page(portAttributes(false), "fixed_ips=ip_address%3D10.0.0.9")),
  ],
  ["ports of a group", (sql) => listPorts(sql, requester, page(portAttributes(false), "security_groups=g7"))],
  [
    "a page of all ports",
    (sql) => listPorts(sql, { projectId: "-", admin: true }, page(portAttributes(true), "limit=50&marker=port7-3")),
  ],
  [
    "all ports of a device",
    (sql) => listPorts(sql, { projectId: "-", admin: true }, page(portAttributes(true), "device_id=server7-3")),
  ],
  ["routers", (sql) => listRouters(sql, requester, page(routerAttributes, ""))],
  ["floating IPs", (sql) => listFloatingIps(sql, requester, page(floatingIpAttributes, ""))],
  [
    "floating IPs at an address",
    (sql) => listFloatingIps(sql, requester, page(floatingIpAttributes, "floating_ip_address=172.24.0.7")),
  ],
  ["groups", (sql) => listSecurityGroups(sql, requester, page(securityGroupAttributes, ""))],
  ["rules", (sql) => listRules(sql, requester, page(securityGroupRuleAttributes, ""))],
  ["rules of groups", (sql) => listRulesOfGroups(sql, ["g7", "g8"])],
  [
    "addresses of servers",
    (sql) =>
      addressesOfServers(
        sql,
        Array.from({ length: 20 }, (_, index) => `server${index}-3`),
      ),
  ],
  ["groups of servers", (sql) => securityGroupsOfServers(sql, ["server7-1", "server7-2"])],
  ["interfaces of a server", (sql) => serverInterfaces(sql, "server7-1")],
  ["readiness of a server", (sql) => serverPortsReady(sql, "server7-1")],
];

for (const [name, send] of CASES) {
  test(`${name}: by index`, async () => assert.deepEqual(await seqScans(send), []));
}

test("the explaining sees a scan when there is one", async () => {
  assert.deepEqual(await seqScans((sql) => sql`select * from port where description = 'x'`), ["port"]);
});
