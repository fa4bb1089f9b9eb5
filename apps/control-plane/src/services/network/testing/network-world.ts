/** For the network service's own tests: a control plane with this service, and short ways to say what tests say often. Test files only. */
import assert from "node:assert/strict";

import type { Reconciler } from "../../../reconcile/worker.ts";
import { type Answer, type TestApp, createTestApp } from "../../../testing/test-app.ts";
import type { OvnNorthbound } from "../ovn/northbound.ts";
import { networkService } from "../service.ts";

export type Wire = { [key: string]: unknown; id: string };
export type World = {
  test: TestApp;
  /** A member of a project of their own; with another role when it is said. */
  tenant(projectId?: string, role?: string): Tenant;
  operator: Tenant;
  /** Makes the project known to Identity, so that operators can name it. */
  register(tenant: Tenant): Promise<void>;
  /** What an operator sets. */
  setQuota(tenant: Tenant, quota: { [name: string]: number }): Promise<void>;
  close(): Promise<void>;
};
export type Tenant = {
  projectId: string;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The call must answer with this status; gives the body. */
  expect(status: number, method: string, path: string, body?: unknown): Promise<{ [key: string]: unknown }>;
  create(kind: string, wire: object): Promise<Wire>;
  show(kind: string, id: string): Promise<Wire>;
  list(kind: string, query?: string): Promise<Wire[]>;
};

const PATHS: { readonly [kind: string]: string } = {
  security_group: "security-groups",
  security_group_rule: "security-group-rules",
  rbac_policy: "rbac-policies",
  address_scope: "address-scopes",
  address_group: "address-groups",
  policy: "qos/policies",
};
const pluralOf = (kind: string): string => (kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}s`);
export const pathOf = (kind: string): string => `/v2.0/${PATHS[kind] ?? `${kind}s`}`;

export async function createWorld(options: { reconcilers?: Reconciler[]; ovn?: OvnNorthbound } = {}): Promise<World> {
  const test = await createTestApp({
    services: [networkService],
    ...options,
    config: { hosts: [{ name: "host1", socketPath: "/nonexistent" }] },
  });
  const withToken = (token: string, projectId: string): Tenant => {
    const call: Tenant["call"] = (method, path, body) =>
      test.inject({ method, url: `/network${path}`, token, ...(body === undefined ? {} : { body }) });
    const expect: Tenant["expect"] = async (status, method, path, body) => {
      const answer = await call(method, path, body);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
      return answer.body;
    };
    return {
      projectId,
      call,
      expect,
      create: async (kind, wire) => (await expect(201, "POST", pathOf(kind), { [kind]: wire }))[kind] as Wire,
      show: async (kind, id) => (await expect(200, "GET", `${pathOf(kind)}/${id}`))[kind] as Wire,
      list: async (kind, query = "") => (await expect(200, "GET", `${pathOf(kind)}${query}`))[pluralOf(kind)] as Wire[],
    };
  };
  const newProject = (): string => crypto.randomUUID().replaceAll("-", "");
  const operatorProject = newProject();
  const operator = withToken(
    test.tokenFor({ roles: ["admin"], directory: "operator", projectId: operatorProject }),
    operatorProject,
  );
  const register: World["register"] = async ({ projectId }) => {
    const { db } = test.app;
    await db`insert into domain (id, name) values ('networktest', 'networktest') on conflict do nothing`;
    await db`insert into project (id, domain_id, name) values (${projectId}, 'networktest', ${projectId}) on conflict do nothing`;
  };
  return {
    test,
    operator,
    register,
    async setQuota(tenant, quota) {
      await register(tenant);
      await operator.expect(200, "PUT", `/v2.0/quotas/${tenant.projectId}`, { quota });
    },
    tenant: (projectId = newProject(), role = "member") =>
      withToken(test.tokenFor({ projectId, roles: [role] }), projectId),
    close: () => test.close(),
  };
}

/** A network with one subnet. */
export async function networkWithSubnet(
  tenant: Tenant,
  cidr = "10.0.0.0/24",
  more: object = {},
): Promise<{ network: Wire; subnet: Wire }> {
  const network = await tenant.create("network", { name: "net" });
  const subnet = await tenant.create("subnet", {
    network_id: network.id,
    ip_version: cidr.includes(":") ? 6 : 4,
    cidr,
    ...more,
  });
  return { network, subnet };
}

/** The way out, as the operator makes it. */
export async function externalNetwork(
  operator: Tenant,
  pool = { start: "172.24.4.10", end: "172.24.4.60" },
): Promise<{ network: Wire; subnet: Wire }> {
  const network = await operator.create("network", {
    name: "public",
    "router:external": true,
    "provider:network_type": "flat",
    "provider:physical_network": `physnet-${crypto.randomUUID().slice(0, 8)}`,
  });
  const subnet = await operator.create("subnet", {
    network_id: network.id,
    ip_version: 4,
    cidr: "172.24.4.0/24",
    gateway_ip: "172.24.4.1",
    enable_dhcp: false,
    allocation_pools: [pool],
  });
  return { network, subnet };
}

export const errorOf = (answer: Answer): { type: string; message: string } =>
  (answer.body as { NeutronError: { type: string; message: string } }).NeutronError;
