/**
 * What tempest needs to find: customers' accounts, each with a project and one network with a way out, and a second image.
 * The accounts are customers like any other: no test has an operator's rights, and all come through the customers' door.
 */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";

import { type Cloud as Api, orNull } from "@andromede/openstack-client/client";
import { createProject, createUser, findRole, grantProjectRole } from "@andromede/openstack-client/identity";
import { createImage, deleteImage, findImages, uploadImage } from "@andromede/openstack-client/image";
import { addRouterInterface, createNetwork, createRouter, createSubnet } from "@andromede/openstack-client/network";

import { connectApi } from "../support/api.ts";
import { type Cloud, DATA } from "../support/cloud.ts";

/** Customers both: one looks after its own project, the other after everybody's object storage. */
export type Role = "member" | "ResellerAdmin";

export type Account = {
  name: string;
  password: string;
  /** The role that tempest asks for when it wants this one. */
  role: Role;
  userId: string;
  projectId: string;
  networkId: string;
  routerId: string;
  subnetId: string;
};
export type Furniture = { accounts: Account[]; imageId: string; otherImageId: string };

const PREFIX = "interop";

export async function furnish(
  cloud: Cloud,
  operator: Api,
  counts: { [role in Role]: number },
  externalId: string,
): Promise<Furniture> {
  const [mini] = await findImages(operator, "mini");
  if (mini === undefined) throw new Error("the cloud has no image mini");
  const other = await createImage(operator, {
    name: `${PREFIX}-other`,
    disk_format: "qcow2",
    container_format: "bare",
    visibility: "public",
  });
  await uploadImage(operator, other.id, createReadStream(join(DATA, "built-images/mini.qcow2")));
  const roleIds = { member: await roleId(operator, "member"), ResellerAdmin: await roleId(operator, "ResellerAdmin") };
  const roles: Role[] = [
    ...Array.from({ length: counts.member }, () => "member" as const),
    ...Array.from({ length: counts.ResellerAdmin }, () => "ResellerAdmin" as const),
  ];
  const accounts = await Promise.all(
    roles.map((role, index) =>
      makeAccount(cloud, operator, { name: `${PREFIX}-${index + 1}`, role, roleIds, externalId }),
    ),
  );
  return { accounts, imageId: mini.id, otherImageId: other.id };
}

async function roleId(operator: Api, name: Role): Promise<string> {
  const role = await findRole(operator, name);
  if (role === null) throw new Error(`the cloud has no role ${name}`);
  return role.id;
}

type AccountPlan = { name: string; role: Role; roleIds: { [role in Role]: string }; externalId: string };

async function makeAccount(
  cloud: Cloud,
  operator: Api,
  { name, role, roleIds, externalId }: AccountPlan,
): Promise<Account> {
  const password = randomBytes(12).toString("hex");
  const project = await createProject(operator, { name, domain_id: "default", description: "" });
  const user = await createUser(operator, { name, domain_id: "default", password });
  // all make networks, which takes a member
  for (const granted of new Set<Role>(["member", role]))
    // eslint-disable-next-line no-await-in-loop
    await grantProjectRole(operator, project.id, user.id, roleIds[granted]);
  const api = connectApi(cloud, "andromede", { username: name, password, project: name });
  try {
    const [network, router] = await Promise.all([
      createNetwork(api, { name }),
      createRouter(api, { name, external_gateway_info: { network_id: externalId } }),
    ]);
    const subnet = await createSubnet(api, { name, network_id: network.id, ip_version: 4, cidr: "10.100.255.0/24" });
    await addRouterInterface(api, router.id, subnet.id);
    return {
      name,
      password,
      role,
      userId: user.id,
      projectId: project.id,
      networkId: network.id,
      routerId: router.id,
      subnetId: subnet.id,
    };
  } finally {
    api.close();
  }
}

/** Takes away what `furnish` made, all but the projects, and nothing else: what tempest forgot has to show. */
export async function unfurnish(operator: Api, { accounts, otherImageId }: Furniture): Promise<void> {
  await deleteImage(operator, otherImageId);
  await Promise.all(accounts.map((account) => removeAccount(operator, account)));
}

async function removeAccount(operator: Api, account: Account): Promise<void> {
  const remove = (service: "network" | "identity", path: string): Promise<unknown> =>
    orNull(operator.call(service, "DELETE", path));
  await operator.call("network", "PUT", `/v2.0/routers/${account.routerId}/remove_router_interface`, {
    body: { subnet_id: account.subnetId },
  });
  await remove("network", `/v2.0/routers/${account.routerId}`);
  await remove("network", `/v2.0/networks/${account.networkId}`);
  const { security_groups } = await operator.call<{ security_groups: { id: string }[] }>(
    "network",
    "GET",
    "/v2.0/security-groups",
    { query: { project_id: account.projectId, name: "default" } },
  );
  for (const { id } of security_groups) {
    // one after the other: there is one
    // eslint-disable-next-line no-await-in-loop
    await remove("network", `/v2.0/security-groups/${id}`);
  }
  await remove("identity", `/users/${account.userId}`);
}
