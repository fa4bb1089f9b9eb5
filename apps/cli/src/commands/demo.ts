/** `andromede demo`: everything `up` does, then what a customer does first, with the customer's account and API. */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { unavailable } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";
import { runCommand, tryCommand } from "@andromede/engines/run-command";
import { type Cloud, createCloud } from "@andromede/openstack-client/client";
import {
  type Server,
  consoleOutput,
  createKeypair,
  createServer,
  deleteKeypair,
  deleteServer,
  listFlavors,
  listKeypairs,
  listServers,
  serverAction,
  showServer,
} from "@andromede/openstack-client/compute";
import { findImages } from "@andromede/openstack-client/image";
import {
  type FloatingIp,
  type Port,
  addRouterInterface,
  associateFloatingIp,
  createFloatingIp,
  createNetwork,
  createRouter,
  createSecurityGroup,
  createSecurityGroupRule,
  createSubnet,
  listFloatingIps,
  listNetworks,
  listPorts,
  listRouters,
  listSecurityGroupRules,
  listSecurityGroups,
  listSubnets,
  setRouterGateway,
} from "@andromede/openstack-client/network";

import { demoCredentials } from "../cloud/accounts.ts";
import type { DemoCommand } from "../options.ts";
import { duration, report, reportJson, table } from "../output.ts";
import { type Plan, runPlan } from "../steps.ts";
import { type BroughtUp, bringUp } from "./bring-up.ts";
import { nextSteps, summary } from "./up.ts";

const NAME = "demo";
const SUBNET = "10.42.0.0/24";
const FLAVOR = "mini.tiny";
const USER = "mini";
const BOOT_MS = 180_000;

/** What the guest is asked to say. */
const QUESTION = "hostname; uname -srm; ip -4 -brief address show scope global; lsblk; uptime";

type Scene = { networkId: string; subnetId: string; serverId: string; address: string; said: string };

export async function demo(command: DemoCommand): Promise<number> {
  const start = performance.now();
  const done = await bringUp({ ...command, images: true });
  const key = join(done.stack.paths.directory, "demo-key");
  const cloud = createCloud(demoCredentials(done.stack, done.secrets));
  const scene: Scene = { networkId: "", subnetId: "", serverId: "", address: "", said: "" };
  try {
    await runPlan([{ title: "Demo", series: planOf(cloud, key, scene) }], done.timings);
  } finally {
    cloud.close();
  }
  const ms = Math.round(performance.now() - start);
  if (command.json)
    reportJson({
      ...summary(done, ms),
      server: { id: scene.serverId, address: scene.address, said: scene.said.split("\n") },
    });
  else report(story(done, scene, key, ms));
  return 0;
}

function planOf(cloud: Cloud, key: string, scene: Scene): Plan {
  return [
    { title: "Key pair", run: async () => ensureKey(cloud, key) },
    { title: "Network and router", run: async () => Object.assign(scene, await ensureNetwork(cloud)) && SUBNET },
    { title: "Security group", run: async () => (await ensureSecurityGroup(cloud), "ping and SSH allowed") },
    { title: "Server", run: async (tell) => (scene.serverId = await ensureServer(cloud, scene.networkId, tell)) },
    { title: "Floating IP", run: async () => (scene.address = await ensureFloatingIp(cloud, scene.serverId)) },
    {
      title: "Login over SSH",
      run: async (tell) => {
        scene.said = await logIn(cloud, scene, key, tell);
        return undefined;
      },
    },
  ];
}

/** A key of the demo's own, on disk and in the cloud; a lost or foreign one is replaced. */
async function ensureKey(cloud: Cloud, file: string): Promise<string | undefined> {
  await mkdir(join(file, ".."), { recursive: true });
  if (!existsSync(file) || !existsSync(`${file}.pub`)) {
    await runCommand(["rm", "-f", file, `${file}.pub`]);
    await runCommand(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "andromede-demo", "-f", file]);
  }
  const publicKey = (await readFile(`${file}.pub`, "utf8")).trim();
  const present = (await listKeypairs(cloud)).find(({ name }) => name === NAME);
  if (present?.public_key.trim() === publicKey) return undefined;
  if (present !== undefined) await deleteKeypair(cloud, NAME);
  await createKeypair(cloud, NAME, publicKey);
  return "made";
}

async function ensureNetwork(cloud: Cloud): Promise<{ networkId: string; subnetId: string }> {
  const [external] = await listNetworks(cloud, { "router:external": true });
  if (external === undefined) throw unavailable("the cloud has no external network");
  const network =
    (await listNetworks(cloud, { name: NAME, "router:external": false }))[0] ??
    (await createNetwork(cloud, { name: NAME }));
  const subnet =
    (await listSubnets(cloud, { network_id: network.id }))[0] ??
    (await createSubnet(cloud, { name: NAME, network_id: network.id, ip_version: 4, cidr: SUBNET }));
  const router =
    (await listRouters(cloud, { name: NAME }))[0] ??
    (await createRouter(cloud, { name: NAME, external_gateway_info: { network_id: external.id } }));
  if (router.external_gateway_info === null) await setRouterGateway(cloud, router.id, external.id);
  const joined = (await listPorts(cloud, { device_id: router.id })).some(({ fixed_ips: addresses }) =>
    addresses.some(({ subnet_id: id }) => id === subnet.id),
  );
  if (!joined) await addRouterInterface(cloud, router.id, subnet.id);
  return { networkId: network.id, subnetId: subnet.id };
}

async function ensureSecurityGroup(cloud: Cloud): Promise<void> {
  const group =
    (await listSecurityGroups(cloud, { name: NAME }))[0] ??
    (await createSecurityGroup(cloud, { name: NAME, description: "ping and SSH from anywhere" }));
  const rules = await listSecurityGroupRules(cloud, { security_group_id: group.id, direction: "ingress" });
  const wanted = [{ protocol: "tcp", port_range_min: 22, port_range_max: 22 }, { protocol: "icmp" }];
  const missing = wanted.filter(({ protocol }) => !rules.some((rule) => rule.protocol === protocol));
  await Promise.all(
    missing.map((rule) =>
      createSecurityGroupRule(cloud, {
        security_group_id: group.id,
        direction: "ingress",
        ethertype: "IPv4",
        remote_ip_prefix: "0.0.0.0/0",
        ...rule,
      }),
    ),
  );
}

/** An ACTIVE server; one that was stopped is started, one in ERROR is replaced. */
async function ensureServer(cloud: Cloud, networkId: string, tell: (text: string) => void): Promise<string> {
  let present: Server | undefined = (await listServers(cloud, { name: NAME }))[0];
  if (present?.status === "ERROR") {
    await deleteServer(cloud, present.id);
    await waitUntil(
      "the end of the server in ERROR",
      async () => (await listServers(cloud, { name: NAME })).length === 0,
      { timeoutMs: 60_000, everyMs: 200 },
    );
    present = undefined;
  }
  const id = present?.id ?? (await newServer(cloud, networkId));
  if (present?.status === "SHUTOFF") await serverAction(cloud, id, { "os-start": null });
  await waitForActive(cloud, id, tell);
  return id;
}

async function newServer(cloud: Cloud, networkId: string): Promise<string> {
  const [image] = await findImages(cloud, USER);
  const flavor = (await listFlavors(cloud)).find(({ name }) => name === FLAVOR);
  if (image === undefined || flavor === undefined)
    throw unavailable(`the cloud has no image ${USER} or no flavor ${FLAVOR}`);
  const { id } = await createServer(cloud, {
    name: NAME,
    imageRef: image.id,
    flavorRef: flavor.id,
    key_name: NAME,
    networks: [{ uuid: networkId }],
    security_groups: [{ name: NAME }],
  });
  return id;
}

async function waitForActive(cloud: Cloud, id: string, tell: (text: string) => void): Promise<void> {
  let server = await showServer(cloud, id);
  await waitUntil(
    "the server to be ACTIVE",
    async () => {
      const before = server.status;
      server = await showServer(cloud, id);
      if (server.status !== before) tell(server.status);
      return server.status === "ACTIVE" || server.status === "ERROR";
    },
    { timeoutMs: BOOT_MS, everyMs: 100 },
  );
  if (server.status === "ERROR")
    throw unavailable(`the server is in ERROR: ${server.fault?.message ?? "no reason given"}`);
}

async function ensureFloatingIp(cloud: Cloud, serverId: string): Promise<string> {
  const [port]: (Port | undefined)[] = await listPorts(cloud, { device_id: serverId });
  const [external] = await listNetworks(cloud, { "router:external": true });
  if (port === undefined || external === undefined)
    throw unavailable("the server has no port, or the cloud no external network");
  const all = await listFloatingIps(cloud);
  const mine = all.find(({ port_id: id }) => id === port.id);
  if (mine !== undefined) return mine.floating_ip_address;
  const spare: FloatingIp | undefined = all.find(({ port_id: id, description }) => id === null && description === NAME);
  if (spare === undefined)
    return (await createFloatingIp(cloud, { floating_network_id: external.id, port_id: port.id, description: NAME }))
      .floating_ip_address;
  await associateFloatingIp(cloud, spare.id, port.id);
  return spare.floating_ip_address;
}

/** The options of every login; the host key of a new server is new, and known to nobody. */
const sshOptions = (key: string): string[] => [
  "-i",
  key,
  "-o",
  "StrictHostKeyChecking=no",
  "-o",
  "UserKnownHostsFile=/dev/null",
  "-o",
  "LogLevel=ERROR",
  "-o",
  "IdentitiesOnly=yes",
];

async function logIn(
  cloud: Cloud,
  { serverId, address }: Scene,
  key: string,
  tell: (text: string) => void,
): Promise<string> {
  let told = "";
  try {
    return await waitUntil(
      `a login at ${address}`,
      async () => {
        const answer = await tryCommand(
          ["ssh", ...sshOptions(key), "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", `${USER}@${address}`, QUESTION],
          { timeoutMs: 20_000 },
        );
        if (answer.exitCode === 0) return answer.stdout.trim();
        const why = answer.stderr.trim().split("\n").at(-1) ?? "";
        if (why !== told) tell(why);
        told = why;
        throw unavailable(answer.stderr.trim());
      },
      { timeoutMs: BOOT_MS, everyMs: 250 },
    );
  } catch (cause) {
    const console = await consoleOutput(cloud, serverId, 20).catch(() => "(none)");
    throw unavailable(`no login at ${address}. The end of the server's console:\n${console}`, { cause });
  }
}

/** What the person at the terminal reads at the end. Pure. */
function story(done: BroughtUp, scene: Scene, key: string, ms: number): string {
  return [
    "",
    `The server ${NAME} at ${scene.address} says:`,
    "",
    ...scene.said.split("\n").map((line) => `    ${line}`),
    "",
    table([
      ["step", "took"],
      ...done.timings.map(({ step, ms: taken }) => [step, duration(taken)]),
      ["all", duration(ms)],
    ]),
    "",
    "What to try next:",
    "",
    `    ssh ${sshOptions(key).join(" ")} ${USER}@${scene.address}`,
    `    export OS_CLIENT_CONFIG_FILE=${done.stack.paths.cloudsYaml}`,
    "    openstack --os-cloud andromede server list",
    "    openstack --os-cloud andromede console log show demo",
    "    openstack --os-cloud andromede-operator hypervisor list",
    "",
    nextSteps(done),
  ].join("\n");
}
