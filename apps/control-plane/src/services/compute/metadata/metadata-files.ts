/**
 * What a guest reads at 169.254.169.254 and on its config drive, file by file: OpenStack's layout
 * (OpenStack's user guide, "Metadata service"; network_data.json by its published schema) and EC2's.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";

import type { GuestMetadata } from "@andromede/agent-api/types";

import type { ServerInterface } from "../../network/public.ts";
import type { Server } from "../servers/server.model.ts";
import { toNetworkData } from "./network-data.ts";

/** Each version of OpenStack's layout; what came later is left out of earlier ones. */
const OPENSTACK_VERSIONS = [
  "2012-08-10",
  "2013-04-04",
  "2013-10-17",
  "2015-10-15",
  "2016-06-30",
  "2016-10-06",
  "2017-02-22",
  "2018-08-27",
  "2020-10-14",
  "latest",
] as const;
const EC2_VERSIONS = ["2009-04-04", "latest"] as const;

const since = (version: string, first: string): boolean => version >= first;

/** `adminPassword`: in clear, for it goes to the guest and nowhere else. */
export function toMetadataFiles(
  server: Server,
  interfaces: ServerInterface[],
  adminPassword: string | null,
  disks: readonly TaggedDisk[] = [],
): GuestMetadata {
  const files: { [path: string]: string } = {};
  const userDataPaths: string[] = [];
  const networkData = JSON.stringify(toNetworkData(interfaces));
  for (const version of OPENSTACK_VERSIONS) {
    const at = `openstack/${version}`;
    files[`${at}/meta_data.json`] = JSON.stringify(
      toMetaData(server, toDevices(interfaces, disks), version, adminPassword),
    );
    userDataPaths.push(`${at}/user_data`);
    if (since(version, "2013-10-17")) files[`${at}/vendor_data.json`] = "{}";
    if (since(version, "2015-10-15")) files[`${at}/network_data.json`] = networkData;
    if (since(version, "2016-10-06")) files[`${at}/vendor_data2.json`] = "{}";
  }
  for (const version of EC2_VERSIONS) {
    for (const [path, content] of Object.entries(toEc2(server, interfaces)))
      files[`${version}/meta-data/${path}`] = content;
    userDataPaths.push(`${version}/user-data`);
  }
  if (server.userData === null) return { files };
  const userData = Buffer.from(server.userData, "base64");
  const at = (content: string) => Object.fromEntries(userDataPaths.map((path) => [path, content]));
  // gzipped, or a MIME archive with parts in another encoding: the guest gets the customer's very bytes
  if (!isUtf8(userData)) return { files, binaryFiles: at(userData.toString("base64")) };
  return { files: { ...files, ...at(userData.toString("utf8")) } };
}

function toMetaData(server: Server, devices: object[], version: string, adminPassword: string | null): object {
  const key =
    server.keyName !== null && server.publicKey !== null ? { name: server.keyName, data: server.publicKey } : null;
  return {
    uuid: server.id,
    name: server.name,
    hostname: server.hostname,
    launch_index: server.launchIndex,
    availability_zone: server.availabilityZone ?? "nova",
    ...(Object.keys(server.metadata).length === 0 ? {} : { meta: server.metadata }),
    ...(key === null
      ? {}
      : {
          public_keys: { [key.name]: key.data },
          ...(since(version, "2013-10-17") ? { keys: [{ type: server.keyType ?? "ssh", ...key }] } : {}),
        }),
    ...(adminPassword === null ? {} : { admin_pass: adminPassword }),
    ...(since(version, "2013-04-04") ? { random_seed: randomSeed(server.seed) } : {}),
    ...(since(version, "2015-10-15") ? { project_id: server.projectId } : {}),
    ...(since(version, "2016-06-30") ? { devices } : {}),
    ...(since(version, "2020-10-14") ? { dedicated_cpus: [] } : {}),
  };
}

export type TaggedDisk = { volumeId: string | null; deviceName: string; tag: string | null };

/** What was tagged (microversions 2.32, 2.42 and 2.49), which is how a guest tells one device from another. */
const toDevices = (interfaces: ServerInterface[], disks: readonly TaggedDisk[]): object[] => [
  ...interfaces
    .filter((nic) => nic.tag !== null)
    .map((nic) => ({ type: "nic", bus: "none", mac: nic.macAddress, tags: [nic.tag], vlan: null, vf_trusted: false })),
  ...disks
    .filter((disk) => disk.tag !== null)
    .map((disk) => ({
      type: "disk",
      bus: "none",
      ...(disk.volumeId === null ? {} : { serial: disk.volumeId.slice(0, 20) }),
      path: disk.deviceName,
      tags: [disk.tag],
    })),
];

/** 512 bytes, the same at each reading, so that a spec that says the same IS the same. */
function randomSeed(seed: string): string {
  const blocks = Array.from({ length: 8 }, (_, index) => createHash("sha512").update(`${seed}/${index}`).digest());
  return Buffer.concat(blocks).toString("base64");
}

function toEc2(server: Server, interfaces: ServerInterface[]): { [path: string]: string } {
  const instanceId = `i-${server.number.toString(16).padStart(8, "0")}`;
  const local = interfaces.flatMap((nic) => nic.addresses).find(({ subnet }) => subnet.version === 4)?.address ?? "";
  return {
    "ami-id": `ami-${createHash("sha256").update(server.imageId).digest("hex").slice(0, 8)}`,
    "ami-launch-index": String(server.launchIndex),
    "block-device-mapping/ami": "vda",
    "block-device-mapping/root": "/dev/vda",
    hostname: server.hostname,
    "instance-action": "none",
    "instance-id": instanceId,
    "instance-type": server.flavor.name,
    "local-hostname": server.hostname,
    "local-ipv4": local,
    "placement/availability-zone": server.availabilityZone ?? "nova",
    "public-hostname": server.hostname,
    "reservation-id": server.reservationId,
    // EC2's listing of the keys: number, then name
    ...(server.publicKey === null
      ? {}
      : { "public-keys": `0=${server.keyName ?? ""}`, "public-keys/0/openssh-key": server.publicKey }),
  };
}
