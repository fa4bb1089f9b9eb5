/** One of every class, made over the API by one project's member, for the test that walks every route. */
import assert from "node:assert/strict";

import { mintToken } from "../services/identity/public.ts";
import type { TestApp } from "./test-app.ts";

export type Samples = {
  /** Of the member who owns everything here. */
  ownerToken: string;
  /** An id for the parameter that follows this part of a path. */
  idOf(collection: string): string;
  /** Does the parameter after this part name something that belongs to the owner's project or user? */
  isOwned(collection: string): boolean;
  /** Is any text a legal value there (a tag, a metadata key), so that no text is nonsense? */
  isFree(collection: string): boolean;
  /** Does the route page its list, so that a negative page must be refused? */
  isPaged(route: string): boolean;
};

const FREE = new Set(["tags", "metadata", "os-extra_specs", "extensions", "ips", "metadata_items"]);

/** Lists that OpenStack pages. Keystone's are whole. */
const PAGED = new Set([
  "GET /compute/v2.1/servers",
  "GET /compute/v2.1/servers/detail",
  "GET /compute/v2.1/flavors",
  "GET /compute/v2.1/flavors/detail",
  "GET /image/v2/images",
  ...[
    "networks",
    "subnets",
    "ports",
    "routers",
    "floatingips",
    "security-groups",
    "security-group-rules",
    "subnetpools",
  ].map((name) => `GET /network/v2.0/${name}`),
]);

export async function makeSamples(test: TestApp): Promise<Samples> {
  const ids: { [collection: string]: string } = {};
  const owned = new Set<string>();
  const post = async (
    token: string,
    url: string,
    body: unknown,
    wanted: number[],
  ): Promise<{ [member: string]: { [member: string]: unknown } }> => {
    const answer = await test.inject({ method: "POST", url, token, body });
    assert.ok(wanted.includes(answer.status), `sample ${url}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  const idIn = (body: { [member: string]: { [member: string]: unknown } }, member: string): string =>
    String(body[member]?.["id"]);

  await makeIdentity();
  const ownerToken = test.tokenFor({ roles: ["member"], projectId: ids["projects"] ?? "", userId: ids["users"] ?? "" });
  const own = (collection: string, id: string): string => {
    owned.add(collection);
    ids[collection] = id;
    return id;
  };
  await makeNetwork();
  await makeImage();
  await makeCompute();
  Object.assign(ids, {
    tags: "a-tag",
    metadata: "a-key",
    ips: "samples",
    members: ids["projects"],
    "os-extra_specs": "a:key",
    extensions: "router",
    regions: test.app.config.region,
    "os-instance-actions": ids["os-instance-actions"] ?? "req-none",
    services: "compute",
    endpoints: "none",
    agents: "none",
    "service-profiles": "none",
    limits: "none",
    inherited_to_projects: "none",
  });
  return {
    ownerToken,
    idOf(collection) {
      const id = ids[collection];
      assert.ok(id !== undefined, `no sample of "${collection}": add one to testing/samples.ts`);
      return id;
    },
    isOwned: (collection) => owned.has(collection),
    isFree: (collection) => FREE.has(collection),
    isPaged: (route) => PAGED.has(route),
  };

  async function makeIdentity(): Promise<void> {
    const admin = test.adminToken;
    const make = async (collection: string, member: string, body: object): Promise<void> => {
      ids[collection] = idIn(await post(admin, `/identity/v3/${collection}`, { [member]: body }, [201]), member);
    };
    await make("domains", "domain", { name: "samples" });
    await make("projects", "project", { name: "samples", domain_id: "default" });
    await make("users", "user", { name: "sample", password: "Sample-password-1", domain_id: "default" });
    await make("groups", "group", { name: "samples", domain_id: "default" });
    await make("roles", "role", { name: "sample" });
    ids["implies"] = ids["roles"] ?? "";
    // a credential is made with a token that Identity itself signed
    const domain = { id: "default", name: "Default" };
    const now = test.app.clock.now();
    const token = mintToken(test.app, {
      methods: ["password"],
      user: { id: ids["users"] ?? "", name: "sample", domain },
      directory: "customer",
      scope: { kind: "project", project: { id: ids["projects"] ?? "", name: "samples", domain } },
      roles: [],
      auditIds: ["samples"],
      issuedAtMs: now,
      expiresAtMs: now + 3_600_000,
      asOf: 0,
    });
    const url = `/identity/v3/users/${ids["users"] ?? ""}/application_credentials`;
    const body = { application_credential: { name: "samples" } };
    ids["application_credentials"] = idIn(await post(token, url, body, [201]), "application_credential");
  }

  async function makeNetwork(): Promise<void> {
    const url = "/network/v2.0";
    const admin = test.adminToken;
    const external = idIn(
      await post(
        admin,
        `${url}/networks`,
        {
          network: {
            name: "outside",
            "router:external": true,
            "provider:network_type": "flat",
            "provider:physical_network": "physnet1",
          },
        },
        [201],
      ),
      "network",
    );
    await post(
      admin,
      `${url}/subnets`,
      { subnet: { network_id: external, ip_version: 4, cidr: "203.0.113.0/24", enable_dhcp: false } },
      [201],
    );
    const network = own(
      "networks",
      idIn(await post(ownerToken, `${url}/networks`, { network: { name: "samples" } }, [201]), "network"),
    );
    own(
      "subnets",
      idIn(
        await post(
          ownerToken,
          `${url}/subnets`,
          { subnet: { network_id: network, ip_version: 4, cidr: "10.9.0.0/24" } },
          [201],
        ),
        "subnet",
      ),
    );
    own("ports", idIn(await post(ownerToken, `${url}/ports`, { port: { network_id: network } }, [201]), "port"));
    own("routers", idIn(await post(ownerToken, `${url}/routers`, { router: { name: "samples" } }, [201]), "router"));
    own(
      "floatingips",
      idIn(
        await post(ownerToken, `${url}/floatingips`, { floatingip: { floating_network_id: external } }, [201]),
        "floatingip",
      ),
    );
    const group = own(
      "security-groups",
      idIn(
        await post(ownerToken, `${url}/security-groups`, { security_group: { name: "samples" } }, [201]),
        "security_group",
      ),
    );
    const rule = {
      security_group_id: group,
      direction: "ingress",
      protocol: "tcp",
      port_range_min: 1,
      port_range_max: 2,
    };
    own(
      "security-group-rules",
      idIn(
        await post(ownerToken, `${url}/security-group-rules`, { security_group_rule: rule }, [201]),
        "security_group_rule",
      ),
    );
    own(
      "subnetpools",
      idIn(
        await post(
          ownerToken,
          `${url}/subnetpools`,
          { subnetpool: { name: "samples", prefixes: ["10.10.0.0/16"] } },
          [201],
        ),
        "subnetpool",
      ),
    );
    ids["quotas"] = ids["projects"] ?? "";
    ids["network-ip-availabilities"] = external;
  }

  async function makeImage(): Promise<void> {
    const made = await test.inject({
      method: "POST",
      url: "/image/v2/images",
      token: ownerToken,
      body: { name: "samples", disk_format: "raw", container_format: "bare" },
    });
    assert.equal(made.status, 201, made.text);
    const id = own("images", String((made.body as { id: string }).id));
    const sent = await test.inject({
      method: "PUT",
      url: `/image/v2/images/${id}/file`,
      token: ownerToken,
      payload: Buffer.alloc(1 << 20, 7),
      headers: { "content-type": "application/octet-stream" },
    });
    assert.equal(sent.status, 204, sent.text);
  }

  async function makeCompute(): Promise<void> {
    const url = "/compute/v2.1";
    ids["flavors"] = idIn(
      await post(test.adminToken, `${url}/flavors`, { flavor: { name: "sample", ram: 64, vcpus: 1, disk: 1 } }, [200]),
      "flavor",
    );
    await post(ownerToken, `${url}/os-keypairs`, { keypair: { name: "samples" } }, [200, 201]);
    own("os-keypairs", "samples");
    const server = {
      name: "sample",
      imageRef: ids["images"],
      flavorRef: ids["flavors"],
      networks: [{ uuid: ids["networks"] }],
    };
    own("servers", idIn(await post(ownerToken, `${url}/servers`, { server }, [202]), "server"));
    ids["os-interface"] = ids["ports"] ?? "";
    ids["os-quota-sets"] = ids["projects"] ?? "";
    owned.add("os-quota-sets");
    ids["os-hypervisors"] = "1";
    ids["os-services"] = "1";
  }
}
