/** What a new cloud is furnished with, over the operators' API: every step finds before it makes, so it may run again. */
import { createReadStream } from "node:fs";

import { internal, unavailable } from "@andromede/base/errors";
import { ApiError, type Cloud } from "@andromede/openstack-client/client";
import { createFlavor, listFlavors } from "@andromede/openstack-client/compute";
import {
  createProject,
  createUser,
  findDomain,
  findProject,
  findRole,
  findUser,
  grantProjectRole,
} from "@andromede/openstack-client/identity";
import { type Image, createImage, deleteImage, findImages, uploadImage } from "@andromede/openstack-client/image";
import { createNetwork, createSubnet, listNetworks, listSubnets } from "@andromede/openstack-client/network";

import type { ExternalNetwork } from "../instance/instance-config.ts";
import { DEMO_PROJECT, DEMO_USER } from "../instance/secrets.ts";
import { FLAVORS } from "./scs-flavors.ts";

/** Project and user `demo` in the domain Default, as member. */
export async function ensureDemoAccount(operator: Cloud, password: string): Promise<void> {
  const domain = await findDomain(operator, "Default");
  if (domain === null) throw internal("the cloud has no domain Default");
  const project =
    (await findProject(operator, DEMO_PROJECT, domain.id)) ??
    (await createProject(operator, { name: DEMO_PROJECT, domain_id: domain.id, description: "made by andromede up" }));
  const user =
    (await findUser(operator, DEMO_USER, domain.id)) ??
    (await createUser(operator, { name: DEMO_USER, domain_id: domain.id, password, default_project_id: project.id }));
  const role = await findRole(operator, "member");
  if (role === null) throw internal("the cloud has no role member");
  await grantProjectRole(operator, project.id, user.id, role.id);
}

const COMPUTE_QUOTAS = ["instances", "cores", "ram", "key_pairs"];
const NETWORK_QUOTAS = ["network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule"];

/** Lifts the limits of a simulated cloud's own projects: it is there for trying much and for benches, and its hosts cost nothing. */
export async function liftQuotas(operator: Cloud): Promise<void> {
  const domain = await findDomain(operator, "Default");
  const demo = domain === null ? null : await findProject(operator, DEMO_PROJECT, domain.id);
  const { projectId } = await operator.session();
  const unlimited = (names: string[]): { [name: string]: number } =>
    Object.fromEntries(names.map((name) => [name, -1]));
  await Promise.all(
    [projectId, ...(demo === null ? [] : [demo.id])].flatMap((id) => [
      operator.call("compute", "PUT", `/os-quota-sets/${id}`, { body: { quota_set: unlimited(COMPUTE_QUOTAS) } }),
      operator.call("network", "PUT", `/v2.0/quotas/${id}`, { body: { quota: unlimited(NETWORK_QUOTAS) } }),
    ]),
  );
}

/** The flavors that are missing. Gives how many were made. */
export async function ensureFlavors(operator: Cloud): Promise<number> {
  const there = new Set((await listFlavors(operator)).map(({ name }) => name));
  const missing = FLAVORS.filter(({ flavor }) => !there.has(flavor.name));
  await Promise.all(
    missing.map(async ({ flavor, extraSpecs }) => {
      const { id } = await createFlavor(operator, { ...flavor, "os-flavor-access:is_public": true });
      if (Object.keys(extraSpecs).length > 0) await describeFlavor(operator, id, extraSpecs);
    }),
  );
  return missing.length;
}

/** Extra specs only describe a flavor: a cloud whose API lacks them (404) has the flavor all the same. */
async function describeFlavor(operator: Cloud, id: string, extraSpecs: { [key: string]: string }): Promise<void> {
  try {
    await operator.call("compute", "POST", `/flavors/${id}/os-extra_specs`, { body: { extra_specs: extraSpecs } });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

/** The external network and its subnet, whose gateway is the machine. */
export async function ensureExternalNetwork(operator: Cloud, wanted: ExternalNetwork): Promise<void> {
  const [present] = await listNetworks(operator, { name: wanted.name, "router:external": true });
  const network =
    present ??
    (await createNetwork(operator, {
      name: wanted.name,
      "router:external": true,
      "provider:network_type": "flat",
      "provider:physical_network": wanted.physicalNetwork,
    }));
  const name = `${wanted.name}-subnet`;
  const [subnet] = await listSubnets(operator, { network_id: network.id, name });
  if (subnet !== undefined) return;
  await createSubnet(operator, {
    name,
    network_id: network.id,
    ip_version: 4,
    cidr: wanted.cidr,
    gateway_ip: wanted.gateway,
    enable_dhcp: false,
    allocation_pools: [{ start: wanted.allocationStart, end: wanted.allocationEnd }],
  });
}

export type ImageFile = { name: string; file: string; minDiskGib: number; minRamMib: number };

/** A public image, uploaded unless an active one of that name is there. An upload that was cut short is done again. */
export async function ensureImage(operator: Cloud, wanted: ImageFile): Promise<Image> {
  const present = await findImages(operator, wanted.name);
  const active = present.find(({ status }) => status === "active");
  if (active !== undefined) return active;
  await Promise.all(
    present
      .filter(({ status }) => status === "queued" || status === "saving")
      .map(({ id }) => deleteImage(operator, id)),
  );
  const image = await createImage(operator, {
    name: wanted.name,
    disk_format: "qcow2",
    container_format: "bare",
    visibility: "public",
    min_disk: wanted.minDiskGib,
    min_ram: wanted.minRamMib,
  });
  await uploadImage(operator, image.id, createReadStream(wanted.file));
  const [uploaded] = (await findImages(operator, wanted.name)).filter(({ id }) => id === image.id);
  if (uploaded?.status !== "active")
    throw unavailable(`image ${wanted.name} is ${uploaded?.status ?? "gone"} after its upload`);
  return uploaded;
}
