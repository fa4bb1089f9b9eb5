/** No list reads a big table from end to end: each is explained against a database with many projects' resources. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import postgres from "postgres";

import { parseQuery } from "../../http/query.ts";
import { readListRequest } from "./common/list-request.ts";
import { floatingIpAttributes } from "./floating-ips/floating-ip.schema.ts";
import { listAddressGroups } from "./address-groups/address-group.queries.ts";
import { addressGroupAttributes } from "./address-groups/address-group.schema.ts";
import { listAddressScopes } from "./address-scopes/address-scope.queries.ts";
import { addressScopeAttributes } from "./address-scopes/address-scope.schema.ts";
import { listPortForwardings } from "./port-forwardings/port-forwarding.queries.ts";
import { portForwardingAttributes } from "./port-forwardings/port-forwarding.schema.ts";
import { listQosPolicies, listQosRules } from "./qos/qos-policy.queries.ts";
import { qosPolicyAttributes, qosRuleAttributes } from "./qos/qos-policy.schema.ts";
import { listRbacPolicies } from "./rbac-policies/rbac-policy.queries.ts";
import { rbacPolicyAttributes } from "./rbac-policies/rbac-policy.schema.ts";
import { listSubnetpools } from "./subnetpools/subnetpool.queries.ts";
import { subnetpoolAttributes } from "./subnetpools/subnetpool.schema.ts";
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
import { networkingOfServers, serverInterfaces, serverPortsReady } from "./servers/read-server-ports.ts";
import { listSubnets } from "./subnets/subnet.queries.ts";
import { subnetAttributes } from "./subnets/subnet.schema.ts";
import { listTrunks } from "./trunks/trunk.queries.ts";
import { trunkAttributes } from "./trunks/trunk.schema.ts";
import { type World, createWorld } from "./testing/network-world.ts";

let world: World;

const PROJECTS = 3000;

/** 3,000 projects, each with a network, subnet, router, 8 ports, floating IPs and a group with rules: ids are project-number by class. */
async function seed(sql: postgres.Sql): Promise<void> {
  const all = sql`generate_series(1, ${PROJECTS}) p`;
  await sql`insert into network (id, project_id, name, mtu, network_type) select 'n' || p, 'p' || p, 'net', 1442, 'geneve' from ${all}`;
  await sql`insert into network (id, project_id, name, mtu, network_type, external, external_to) values ('ext', 'op', 'ext', 1500, 'geneve', true, '{*}')`;
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
  await sql`insert into subnetpool (id, project_id, name, ip_version, prefixes, default_prefixlen, min_prefixlen, max_prefixlen)
    select 'pool' || p, 'p' || p, 'pool', 4, '{}', 24, 8, 32 from ${all}`;
  await sql`insert into address_scope (id, project_id, name, ip_version) select 'scope' || p, 'p' || p, 'scope', 4 from ${all}`;
  await sql`insert into address_group (id, project_id) select 'ag' || p, 'p' || p from ${all}`;
  await sql`insert into qos_policy (id, project_id, name) select 'qos' || p, 'p' || p, 'qos' from ${all}`;
  await sql`insert into qos_rule (id, qos_policy_id, type, dscp_mark) select 'qrule' || p, 'qos' || p, 'dscp_marking', 10 from ${all}`;
  await sql`insert into rbac_policy (id, project_id, object_type, object_id, action, target_project)
    select 'rbac' || p, 'p' || p, 'network', 'n' || p, 'access_as_shared', 'p' || (p + 1) from ${all}`;
  await sql`update network set shared_with = array['p' || (substr(project_id, 2)::integer + 1)] where id <> 'ext'`;
  await sql`insert into router (id, project_id) select 'r' || p, 'p' || p from ${all}`;
  await sql`insert into floatingip (id, project_id, floating_network_id, floating_ip_address, floating_port_id)
    select 'f' || p, 'p' || p, 'ext', host('172.24.0.0'::inet + p), 'fp' || p from ${all}`;
  await sql`insert into port_forwarding (id, project_id, floatingip_id, protocol, external_port_first, external_port_last, internal_port_first,
      internal_port_last, internal_port_id, internal_ip_address)
    select 'pf' || p, 'p' || p, 'f' || p, 'tcp', 80, 80, 80, 80, 'port' || p || '-1', '10.0.0.1' from ${all}`;
  await sql`insert into trunk (id, project_id, port_id) select 'trunk' || p, 'p' || p, 'port' || p || '-7' from ${all}`;
  await sql`insert into trunk_subport (port_id, trunk_id, segmentation_id) select 'port' || p || '-8', 'trunk' || p, 7 from ${all}`;
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
  ["networks", (sql) => listNetworks(sql, requester, page(networkAttributes(requester), ""))],
  [
    "external networks",
    (sql) => listNetworks(sql, requester, page(networkAttributes(requester), "router%3Aexternal=True")),
  ],
  [
    "a page of networks",
    (sql) => listNetworks(sql, requester, page(networkAttributes(requester), "limit=5&marker=n7")),
  ],
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
  ["trunks", (sql) => listTrunks(sql, requester, page(trunkAttributes, ""))],
  ["port forwardings", (sql) => listPortForwardings(sql, "f7", page(portForwardingAttributes, ""))],
  ["subnet pools", (sql) => listSubnetpools(sql, requester, page(subnetpoolAttributes(requester), ""))],
  ["shared networks", (sql) => listNetworks(sql, requester, page(networkAttributes(requester), "shared=true"))],
  ["address scopes", (sql) => listAddressScopes(sql, requester, page(addressScopeAttributes(requester), ""))],
  ["address groups", (sql) => listAddressGroups(sql, requester, page(addressGroupAttributes(requester), ""))],
  ["QoS policies", (sql) => listQosPolicies(sql, requester, page(qosPolicyAttributes(requester), ""))],
  [
    "QoS rules",
    (sql) => listQosRules(sql, "qos7", "dscp_marking", page(qosRuleAttributes.dscp_marking, "dscp_mark=10")),
  ],
  ["RBAC policies", (sql) => listRbacPolicies(sql, requester, page(rbacPolicyAttributes, ""))],
  ["groups", (sql) => listSecurityGroups(sql, requester, page(securityGroupAttributes(requester), ""))],
  ["rules", (sql) => listRules(sql, requester, page(securityGroupRuleAttributes, ""))],
  ["rules of groups", (sql) => listRulesOfGroups(sql, ["g7", "g8"])],
  [
    "networking of servers",
    (sql) =>
      networkingOfServers(
        sql,
        Array.from({ length: 20 }, (_, index) => `server${index}-3`),
      ),
  ],
  ["interfaces of a server", (sql) => serverInterfaces(sql, "server7-1")],
  ["readiness of a server", (sql) => serverPortsReady(sql, "server7-1")],
];

for (const [name, send] of CASES) {
  test(`${name}: by index`, async () => assert.deepEqual(await seqScans(send), []));
}

test("the explaining sees a scan when there is one", async () => {
  assert.deepEqual(await seqScans((sql) => sql`select * from port where description = 'x'`), ["port"]);
});
