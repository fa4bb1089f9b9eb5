/** No list reads a big table from end to end: each is explained against a database with many projects' resources. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import postgres from "postgres";

import { parseQuery } from "../../http/query.ts";
import { readListRequest } from "./common/list-request.ts";
import { floatingIpAttributes } from "./floating-ips/floating-ip.schema.ts";
import { listAddressGroups, listGroupsWithAddressGroup } from "./address-groups/address-group.queries.ts";
import { addressGroupAttributes } from "./address-groups/address-group.schema.ts";
import { listAddressScopes, listRoutersOfPool, listScopePrefixes } from "./address-scopes/address-scope.queries.ts";
import { addressScopeAttributes } from "./address-scopes/address-scope.schema.ts";
import {
  listForwardingsOf,
  listForwardingsTo,
  listPortForwardings,
} from "./port-forwardings/port-forwarding.queries.ts";
import { portForwardingAttributes } from "./port-forwardings/port-forwarding.schema.ts";
import { listQosPolicies, listQosRules, listShaped } from "./qos/qos-policy.queries.ts";
import { qosPolicyAttributes, qosRuleAttributes } from "./qos/qos-policy.schema.ts";
import { listRbacPolicies } from "./rbac-policies/rbac-policy.queries.ts";
import { rbacPolicyAttributes } from "./rbac-policies/rbac-policy.schema.ts";
import { listPoolSubnets, listSubnetpools } from "./subnetpools/subnetpool.queries.ts";
import { subnetpoolAttributes } from "./subnetpools/subnetpool.schema.ts";
import { listFloatingIps } from "./floating-ips/floating-ip.queries.ts";
import { listNetworkDependents, listNetworks } from "./networks/network.queries.ts";
import { networkAttributes } from "./networks/network.schema.ts";
import {
  listAutoPorts,
  listPortVersions,
  listPorts,
  listPortsBlockingNetwork,
  listPortsOfDevice,
  listSelfAddressing,
  listVersionedPorts,
} from "./ports/port.queries.ts";
import { portAttributes } from "./ports/port.schema.ts";
import { listLegs, listRouters } from "./routers/router.queries.ts";
import { routerAttributes } from "./routers/router.schema.ts";
import {
  listRules,
  listRulesOfGroups,
  listRulesWithAddresses,
} from "./security-group-rules/security-group-rule.queries.ts";
import { securityGroupRuleAttributes } from "./security-group-rules/security-group-rule.schema.ts";
import {
  listGroupsById,
  listGroupsNaming,
  listGroupsOf,
  listSecurityGroups,
} from "./security-groups/security-group.queries.ts";
import { securityGroupAttributes } from "./security-groups/security-group.schema.ts";
import { networkingOfServers, serverInterfaces, serverPortsReady } from "./servers/read-server-ports.ts";
import { listSubnetUsers, listSubnets, listSubnetsById, listSubnetsOfNetwork } from "./subnets/subnet.queries.ts";
import { subnetAttributes } from "./subnets/subnet.schema.ts";
import { listMtus, listTrunks } from "./trunks/trunk.queries.ts";
import { trunkAttributes } from "./trunks/trunk.schema.ts";
import { listNetworkUse } from "./agents/ip-availability.queries.ts";
import { listCustomerPorts, listOwnedIds } from "./class.queries.ts";
import { listImplicitNetworks, listServersAt } from "./servers/server-port.queries.ts";
import { listLegSubnets } from "./ports/port-wanted.queries.ts";
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

/** Tables whose rows a project owns, as its purge asks for them. */
const OWNED = ["network", "subnet", "router", "floatingip", "security_group", "trunk", "subnetpool", "qos_policy"];

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
  ["groups with an address group", (sql) => listGroupsWithAddressGroup(sql, "ag7")],
  ["what hangs on a network", (sql) => listNetworkDependents(sql, "n7")],
  ["forwardings of floating IPs", (sql) => listForwardingsOf(sql, ["f7", "f8"])],
  ["forwardings to a port", (sql) => listForwardingsTo(sql, "port7-1")],
  ["use of a network", (sql) => listNetworkUse(sql, "n7")],
  ["legs of a router", (sql) => listLegs(sql, "r7")],
  ["prefixes of a scope", (sql) => listScopePrefixes(sql, "scope7", "pool7")],
  ["routers of a pool", (sql) => listRoutersOfPool(sql, "pool7")],
  ["subnets of a pool", (sql) => listPoolSubnets(sql, "pool7")],
  ["MTUs of ports", (sql) => listMtus(sql, ["port7-7", "port8-7"])],
  ["rules with the addresses they name", (sql) => listRulesWithAddresses(sql, "g7")],
  ["groups that name a group", (sql) => listGroupsNaming(sql, "g7")],
  ["groups by id", (sql) => listGroupsById(sql, ["g7", "g8"])],
  ["groups for Nova's door", (sql) => listGroupsOf(sql, "p7", { limit: 1000, offset: 0 })],
  ["a project's customers' ports", (sql) => listCustomerPorts(sql, "p7")],
  ...OWNED.map((table): (typeof CASES)[number] => [
    `ids of a project: ${table}`,
    (sql) => listOwnedIds(sql, table, "p7"),
  ]),
  ["subnets of a network", (sql) => listSubnetsOfNetwork(sql, "n7")],
  ["subnets by id", (sql) => listSubnetsById(sql, ["s7", "s8"])],
  ["users of a subnet", (sql) => listSubnetUsers(sql, "s7")],
  ["what a policy shapes", (sql) => listShaped(sql, "qos7")],
  ["networks for who names none", (sql) => listImplicitNetworks(sql, "p7")],
  ["servers with an address", (sql) => listServersAt(sql, "p7", 4, "^10[.]0")],
  ["ports of a device", (sql) => listPortsOfDevice(sql, "server7-1", "compute:nova")],
  ["versions of ports", (sql) => listPortVersions(sql, requester, page(portAttributes(false), ""))],
  ["ports in their version", (sql) => listVersionedPorts(sql, ["port7-1", "port8-1"])],
  ["ports in a network's way", (sql) => listPortsBlockingNetwork(sql, "n7")],
  ["a network's own ports", (sql) => listAutoPorts(sql, "n7")],
  ["ports that choose their addresses", (sql) => listSelfAddressing(sql, "n7")],
  ["subnets of a leg", (sql) => listLegSubnets(sql, "port7-1")],
  ["interfaces of a server", (sql) => serverInterfaces(sql, "server7-1")],
  ["readiness of a server", (sql) => serverPortsReady(sql, "server7-1")],
];

for (const [name, send] of CASES) {
  test(`${name}: by index`, async () => assert.deepEqual(await seqScans(send), []));
}

test("the explaining sees a scan when there is one", async () => {
  assert.deepEqual(await seqScans((sql) => sql`select * from port where description = 'x'`), ["port"]);
});
