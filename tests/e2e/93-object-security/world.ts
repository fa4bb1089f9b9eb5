/** Two customers and the operator at a cloud's object store. Every answer that any of them gets is kept, to be judged at the end. */
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

import { createProject, createUser, findRole, grantProjectRole } from "@andromede/openstack-client/identity";

import { type S3Client, createS3Client } from "../../../apps/object-store/src/s3/testing/client.ts";
import {
  type Answer as SwiftAnswer,
  type Ask,
  swiftClient,
} from "../../../apps/object-store/src/swift/testing/swift-client.ts";
import { connectApi } from "../support/api.ts";
import type { Cloud } from "../support/cloud.ts";
import { createAccessKey } from "../support/object-store.ts";

type Swift = (method: string, path: string, ask?: Ask) => Promise<SwiftAnswer>;

export type Party = {
  projectId: string;
  userId: string;
  accessKey: string;
  secretKey: string;
  token: string;
  s3: S3Client;
  /** `path` begins below the party's own account. */
  swift: Swift;
};

/** One of the store's two listeners. */
export type Door = { url: string; host: string; port: number };

export type World = {
  cloud: Cloud;
  ca: Buffer;
  customers: Door;
  operators: Door;
  owner: Party;
  other: Party;
  /** Who keeps under lock what nobody may take away. */
  archive: Party;
  /** The operator's administrator, at the operators' door. */
  operator: Party;
  nobody: S3Client;
  /** Whole paths, at the customers' door; who asks is what `ask` says. */
  swift: Swift;
  /** Another client of S3 with the owner's key. */
  s3At: (door: Door, credentials: { accessKey: string; secretKey: string } | null, now?: () => number) => S3Client;
  /** What was asked and answered so far. */
  heard: { what: string; status: number }[];
  /** What the store wrote to its log since the world began. */
  log: () => string;
  end: () => Promise<void>;
};

export const PASSWORD = "Object-security-1";
const NAMES = ["object-security-owner", "object-security-other", "object-security-archive"] as const;

/** Also after a run that was interrupted. */
export async function removeParties(cloud: Cloud): Promise<void> {
  const api = connectApi(cloud, "andromede-operator");
  const { projects } = await api.call<{ projects: { id: string; name: string }[] }>("identity", "GET", "/projects");
  const { users } = await api.call<{ users: { id: string; name: string }[] }>("identity", "GET", "/users");
  const isOurs = ({ name }: { name: string }): boolean => NAMES.some((ours) => ours === name);
  for (const { id } of users.filter(isOurs)) await api.call("identity", "DELETE", `/users/${id}`);
  await Promise.all(
    projects.filter(isOurs).map(async ({ id }) => {
      await takeLocksAway(cloud, id);
      await cloud.andromede("project", "purge", id, "--yes");
    }),
  );
  api.close();
}

/** What no lock can resist: whoever has the database's password. */
export const takeLocksAway = (cloud: Cloud, projectId: string): Promise<string> =>
  cloud.sql(`update object o set details = details - 'retention' - 'legalHold' from object_container c
    where c.id = o.container_id and c.project_id = '${projectId}'`);

export async function makeWorld(cloud: Cloud): Promise<World> {
  await removeParties(cloud);
  const log = join(cloud.directory, "log/object-store.log");
  const begin = statSync(log).size;
  const { ports } = JSON.parse(readFileSync(join(cloud.directory, "config.json"), "utf8")) as {
    ports: { customerObjects: number; operatorObjects: number };
  };
  const ca = readFileSync(join(cloud.directory, "tls/ca.crt"));
  const heard: World["heard"] = [];
  const doorOf = (port: number): Door => ({ url: `https://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, port });
  const [customers, operators] = [doorOf(ports.customerObjects), doorOf(ports.operatorObjects)];
  const s3At: World["s3At"] = (door, credentials, now) =>
    createS3Client(door.url, credentials, {
      ca,
      heard: (what, { status }) => void heard.push({ what: `S3 ${what}`, status }),
      ...(now === undefined ? {} : { now }),
    });
  const swiftAt = (door: Door): Swift => {
    const send = swiftClient(door.url, { ca });
    return async (method, path, ask) => {
      const answer = await send(method, path, ask);
      heard.push({ what: `Swift ${method} ${path}`, status: answer.status });
      return answer;
    };
  };
  const partyOf = (door: Door, made: Identity): Party => {
    const swift = swiftAt(door);
    return {
      ...made,
      s3: s3At(door, made),
      swift: (method, path, ask = {}) =>
        swift(method, `/v1/AUTH_${made.projectId}${path}`, { token: made.token, ...ask }),
    };
  };
  const [owner, other, archive, operator] = await Promise.all([
    makeCustomer(cloud, NAMES[0]),
    makeCustomer(cloud, NAMES[1]),
    makeCustomer(cloud, NAMES[2]),
    signIn(cloud, "andromede-operator"),
  ]);
  return {
    cloud,
    ca,
    customers,
    operators,
    owner: partyOf(customers, owner),
    other: partyOf(customers, other),
    archive: partyOf(customers, archive),
    operator: partyOf(operators, operator),
    nobody: s3At(customers, null),
    swift: swiftAt(customers),
    s3At,
    heard,
    log: () => readFrom(log, begin),
    end: () => removeParties(cloud),
  };
}

type Identity = Pick<Party, "projectId" | "userId" | "accessKey" | "secretKey" | "token">;

async function makeCustomer(cloud: Cloud, name: string): Promise<Identity> {
  const operator = connectApi(cloud, "andromede-operator");
  const role = await findRole(operator, "member");
  if (role === null) throw new Error("the cloud has no role member");
  const project = await createProject(operator, { name, domain_id: "default", description: "" });
  const user = await createUser(operator, { name, domain_id: "default", password: PASSWORD });
  await grantProjectRole(operator, project.id, user.id, role.id);
  operator.close();
  return signIn(cloud, "andromede", { username: name, password: PASSWORD, project: name });
}

async function signIn(
  cloud: Cloud,
  ...account: Parameters<typeof connectApi> extends [Cloud, ...infer Rest] ? Rest : never
): Promise<Identity> {
  const api = connectApi(cloud, ...account);
  const { token, userId, projectId } = await api.session();
  const credentials = await createAccessKey(api);
  api.close();
  return { token, userId, projectId, ...credentials };
}

function readFrom(file: string, begin: number): string {
  const handle = openSync(file, "r");
  try {
    const { size } = statSync(file);
    // begun anew meanwhile
    const start = size < begin ? 0 : begin;
    const bytes = Buffer.alloc(size - start);
    readSync(handle, bytes, 0, bytes.length, start);
    return bytes.toString();
  } finally {
    closeSync(handle);
  }
}

/** `<Name>text</Name>`, of the first such element. */
export const textOf = (xml: string, name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(xml)?.[1] ?? "";
