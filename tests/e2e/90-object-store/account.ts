/** A customer of object storage: a project, a user, an access key, and how each client is told of them. */
import { readFileSync } from "node:fs";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { createProject, createUser, findRole, grantProjectRole } from "@andromede/openstack-client/identity";

import { connectApi } from "../support/api.ts";
import type { Cloud } from "../support/cloud.ts";
import { ensureDebian, inDebian } from "../support/debian.ts";
import { createAccessKey } from "../support/object-store.ts";

/** `mayMount`: file systems, on a machine that has FUSE. */
type ClientOptions = { environment?: { [name: string]: string }; timeoutMs?: number; mayMount?: boolean };

export type Customer = {
  projectId: string;
  accessKey: string;
  secretKey: string;
  /** Of S3; the host alone for clients that want that. */
  endpoint: string;
  host: string;
  storageUrl: string;
  /** A directory that clients see at the same path. */
  directory: string;
  /** Runs a client; its exit code other than 0 is an error. */
  client(command: string[], options?: ClientOptions): Promise<string>;
  /** The same by a shell, for pipes and many lines. */
  shell(script: string, environment?: { [name: string]: string }, options?: ClientOptions): Promise<string>;
};

export const NAME = "object-clients";
const PASSWORD = "Object-clients-1";

export async function makeCustomer(cloud: Cloud): Promise<Customer> {
  const operator = connectApi(cloud, "andromede-operator");
  const role = await findRole(operator, "member");
  if (role === null) throw new Error("the cloud has no role member");
  const project = await createProject(operator, { name: NAME, domain_id: "default", description: "" });
  const user = await createUser(operator, { name: NAME, domain_id: "default", password: PASSWORD });
  await grantProjectRole(operator, project.id, user.id, role.id);
  operator.close();

  const api = connectApi(cloud, "andromede", { username: NAME, password: PASSWORD, project: NAME });
  const { accessKey, secretKey } = await createAccessKey(api);
  api.close();
  const { ports } = JSON.parse(readFileSync(join(cloud.directory, "config.json"), "utf8")) as {
    ports: { customer: number; customerObjects: number };
  };
  const endpoint = `https://127.0.0.1:${ports.customerObjects}`;

  const root = await ensureDebian();
  const directory = join("/tmp", `andromede-objects-${process.pid}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const caFile = join(directory, "ca.pem");
  await copyFile(join(cloud.directory, "tls/ca.crt"), caFile);
  const environment = {
    HOME: directory,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_DEFAULT_REGION: "RegionOne",
    AWS_CA_BUNDLE: caFile,
    CURL_CA_BUNDLE: caFile,
    AWS_EC2_METADATA_DISABLED: "true",
    SSL_CERT_FILE: caFile,
    REQUESTS_CA_BUNDLE: caFile,
    ENDPOINT: endpoint,
    OS_AUTH_URL: `https://127.0.0.1:${ports.customer}/identity/v3`,
    OS_IDENTITY_API_VERSION: "3",
    OS_AUTH_VERSION: "3",
    OS_USERNAME: NAME,
    OS_PASSWORD: PASSWORD,
    OS_PROJECT_NAME: NAME,
    OS_USER_DOMAIN_NAME: "Default",
    OS_PROJECT_DOMAIN_NAME: "Default",
    OS_REGION_NAME: "RegionOne",
    OS_CACERT: caFile,
    RCLONE_CONFIG: join(directory, "rclone.conf"),
    RCLONE_CA_CERT: caFile,
    RCLONE_CONFIG_S3_TYPE: "s3",
    RCLONE_CONFIG_S3_PROVIDER: "Other",
    RCLONE_CONFIG_S3_ENDPOINT: endpoint,
    RCLONE_CONFIG_S3_ENV_AUTH: "true",
    RCLONE_CONFIG_S3_REGION: "RegionOne",
    RCLONE_CONFIG_S3_UPLOAD_CUTOFF: "8Mi",
    RCLONE_CONFIG_S3_CHUNK_SIZE: "5Mi",
    RCLONE_CONFIG_SWIFT_TYPE: "swift",
    RCLONE_CONFIG_SWIFT_ENV_AUTH: "true",
    RCLONE_CONFIG_SWIFT_CHUNK_SIZE: "5Mi",
  };
  await writeFile(join(directory, "rclone.conf"), "");
  const host = endpoint.replace(/^https?:\/\//, "");
  const s3cfg = [
    "[default]",
    `host_base = ${host}`,
    `host_bucket = ${host}`,
    "bucket_location = RegionOne",
    `ca_certs_file = ${caFile}`,
    "multipart_chunk_size_mb = 5",
    "",
  ];
  await writeFile(join(directory, ".s3cfg"), s3cfg.join("\n"));

  const client: Customer["client"] = async (command, options = {}) => {
    const { mayMount = false } = options;
    const place = { directory, environment: { ...environment, ...options.environment }, mayMount };
    const finished = await inDebian(root, place, command, options.timeoutMs ?? 300_000);
    if (finished.code !== 0)
      throw new Error(
        `${command.join(" ")}: exit ${finished.code}\n${finished.stdout.slice(-3000)}\n${finished.stderr.slice(-3000)}`,
      );
    return finished.stdout;
  };
  return {
    projectId: project.id,
    accessKey,
    secretKey,
    endpoint,
    host,
    storageUrl: `${endpoint}/v1/AUTH_${project.id}`,
    directory,
    client,
    shell: (script, own = {}, options = {}) =>
      client(["bash", "--norc", "-euo", "pipefail", "-c", script], { ...options, environment: own }),
  };
}

export async function forget(customer: Customer): Promise<void> {
  await rm(customer.directory, { recursive: true, force: true });
}
