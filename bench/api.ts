/**
 * The control plane's figures: node bench/api.ts [simulated|many|real|disk]. One JSON line each; see README.md.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";

import { type BenchCloud, engineRootOf, signInBody, startCloud, tokensUrl } from "./support/cloud.ts";
import { besideBareDisk } from "./support/disk.ts";
import { emit, latencies, load, percentile, round } from "./support/measure.ts";
import { emitMemory } from "./support/memory.ts";
import { portsBehind, seedServers } from "./support/seed.ts";
import { type Stage, postServer, removeServer, setStage, untilBuilt } from "./support/servers.ts";

const SECONDS = Number(process.env["BENCH_SECONDS"] ?? "5");
const CLIENTS = 8;

/** The same request over and over, from a connection of its own. */
function repeat(
  cloud: BenchCloud,
  want: number,
  request: { method: string; url: string; body?: unknown; headers?: { [name: string]: string }; token?: string },
) {
  return () => {
    const connection = cloud.connect();
    return {
      async once() {
        const answer = await connection.call(request.method, request.url, request);
        if (answer.status !== want)
          throw new Error(`${request.method} ${request.url}: ${answer.status} ${answer.text.slice(0, 200)}`);
      },
      close: () => connection.close(),
    };
  };
}

async function tokens(cloud: BenchCloud): Promise<void> {
  const url = tokensUrl(cloud.environment);
  for (const clients of [1, CLIENTS]) {
    await load(
      "token.issue",
      clients,
      SECONDS,
      repeat(cloud, 201, { method: "POST", url, body: signInBody(cloud.environment) }),
    );
  }
  const validate = { method: "GET", url, token: cloud.token, headers: { "x-subject-token": cloud.token } };
  for (const clients of [1, CLIENTS]) await load("token.validate", clients, SECONDS, repeat(cloud, 200, validate));
}

async function lists(cloud: BenchCloud, stage: Stage): Promise<void> {
  const made: string[] = [];
  for (const wanted of [0, 100, 500]) {
    const before = performance.now();
    const missing = wanted - made.length;
    const connections = Array.from({ length: CLIENTS }, () => cloud.connect());
    await Promise.all(
      connections.map(async (connection, place) => {
        for (let n = place; n < missing; n += CLIENTS) {
          const id = await postServer(cloud, stage, connection, `bench-${wanted}-${n}`);
          made.push(id);
        }
      }),
    );
    for (const id of made.slice(-missing)) await untilBuilt(cloud, stage.connection, id);
    if (missing > 0)
      emit({
        figure: "servers.burst",
        servers: missing,
        servers_per_s: round((missing * 1_000) / (performance.now() - before)),
      });
    for (const connection of connections) connection.close();
    const request = {
      method: "GET",
      url: `${cloud.endpoints["compute"] ?? ""}/servers/detail?limit=1000`,
      token: cloud.token,
    };
    for (const clients of [1, CLIENTS])
      await load("servers.detail", clients, SECONDS, repeat(cloud, 200, request), { servers: wanted });
  }
  for (const id of made) await removeServer(cloud, stage.connection, id);
}

/** From the first POST of a thousand ports to the moment when OVN's northbound database has the last of them. */
async function portsIntoOvn(cloud: BenchCloud, stage: Stage): Promise<void> {
  const [count, bulk] = [1_000, 100];
  const url = `${cloud.endpoints["network"] ?? ""}/v2.0/ports`;
  const behind = portsBehind(cloud);
  const before = performance.now();
  for (let n = 0; n < count; n += bulk) {
    const ports = Array.from({ length: bulk }, (_, place) => ({
      network_id: stage.networkId,
      name: `bench-${n + place}`,
    }));
    const answer = await stage.connection.call("POST", url, { token: cloud.token, body: { ports } });
    if (answer.status !== 201) throw new Error(`POST ${url}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  const posted = performance.now() - before;
  while (portsBehind(cloud) > behind) await new Promise((resolve) => setTimeout(resolve, 10));
  emit({
    figure: "ports.into_ovn",
    ports: count,
    posted_ms: round(posted),
    seconds: round((performance.now() - before) / 1_000),
  });
  const answer = await stage.connection.call("GET", `${url}?network_id=${stage.networkId}&fields=id&fields=name`, {
    token: cloud.token,
  });
  const { ports } = JSON.parse(answer.text) as { ports: { id: string; name: string }[] };
  for (const { id, name } of ports)
    if (name.startsWith("bench-")) await stage.connection.call("DELETE", `${url}/${id}`, { token: cloud.token });
}

async function createToActive(cloud: BenchCloud, stage: Stage, figure: string, runs: number): Promise<void> {
  const posts: number[] = [];
  const actives: number[] = [];
  for (let n = 0; n < runs; n++) {
    const before = performance.now();
    const id = await postServer(cloud, stage, stage.connection, `single-${n}`);
    posts.push(performance.now() - before);
    const status = await untilBuilt(cloud, stage.connection, id);
    if (status !== "ACTIVE") throw new Error(`server ${id} ended ${status}`);
    actives.push(performance.now() - before);
    await removeServer(cloud, stage.connection, id);
  }
  emit({ figure, runs, ...latencies(actives), post_p50_ms: round(percentile(posts, 0.5)) });
}

/** From starting QEMU by hand to the image's first line of user land, and the same from the API call; alternately. */
async function besideBareQemu(cloud: BenchCloud, stage: Stage, runs: number): Promise<void> {
  const bare: number[] = [];
  const ours: number[] = [];
  for (let n = 0; n < runs; n++) {
    bare.push(await bareStart(cloud));
    const before = performance.now();
    const id = await postServer(cloud, stage, stage.connection, `beside-${n}`);
    await firstLine(cloud, stage, id);
    ours.push(performance.now() - before);
    await removeServer(cloud, stage.connection, id);
  }
  const [b, o] = [percentile(bare, 0.5), percentile(ours, 0.5)];
  emit({
    figure: "boot.beside_qemu",
    runs,
    bare_p50_ms: round(b),
    ours_p50_ms: round(o),
    over_ms: round(o - b),
    ratio: round(o / b),
  });
}

/** The kernel says this as it hands over to user land. */
const FIRST_LINE = /Run \/init as init process/;

async function firstLine(cloud: BenchCloud, stage: Stage, id: string): Promise<void> {
  const url = `${cloud.endpoints["compute"] ?? ""}/servers/${id}/action`;
  for (;;) {
    const answer = await stage.connection.call("POST", url, {
      token: cloud.token,
      body: { "os-getConsoleOutput": {} },
    });
    if (answer.status === 200 && FIRST_LINE.test(answer.text)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function bareStart(cloud: BenchCloud): Promise<number> {
  const disk = join(cloud.data, "built-images/mini.qcow2");
  const args = [
    "--die-with-parent",
    "--ro-bind",
    engineRootOf(cloud),
    "/",
    "--dev-bind",
    "/dev",
    "/dev",
    "--proc",
    "/proc",
    "--tmpfs",
    "/tmp",
    // Where QEMU keeps what a snapshot drive writes.
    "--tmpfs",
    "/var/tmp",
    "--bind",
    cloud.data,
    cloud.data,
    "--",
    "qemu-system-x86_64",
    "-nodefaults",
    "-display",
    "none",
    "-machine",
    "q35",
    "-accel",
    "tcg,thread=multi",
    "-cpu",
    "max",
    "-m",
    "128",
    "-drive",
    `file=${disk},if=virtio,snapshot=on,format=qcow2`,
    "-device",
    "virtio-rng-pci",
    "-serial",
    "stdio",
    "-no-reboot",
  ];
  return new Promise((resolve, reject) => {
    const before = performance.now();
    const child = spawn("bwrap", args, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    let took: number | null = null;
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (took !== null || !FIRST_LINE.test(text)) return;
      took = performance.now() - before;
      child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (took === null) reject(new Error(`qemu ended (${code}) before its first line: ${text}`));
      else resolve(took);
    });
  });
}

const MANY = { count: 10_000, ports: 5 };

/** A page of a thousand servers out of ten thousand with five interfaces each, and other ways to ask for them. */
async function manyServers(cloud: BenchCloud, stage: Stage): Promise<void> {
  const serverId = await postServer(cloud, stage, stage.connection, "like");
  await untilBuilt(cloud, stage.connection, serverId);
  seedServers(cloud, { serverId, ...MANY });
  const { compute = "", network = "" } = cloud.endpoints;
  for (const [figure, url] of [
    ["servers.detail.1000_of_10000", `${compute}/servers/detail?limit=1000`],
    // each page is another than the last
    ["servers.detail.pages_of_1000", null],
    ["servers.detail.100_of_10000", `${compute}/servers/detail?limit=100`],
    ["servers.by_name.10000", `${compute}/servers/detail?name=seed-77&limit=100`],
    ["ports.1000_of_50000", `${network}/v2.0/ports?limit=1000`],
  ] as const) {
    const times = await timesOf(cloud, url ?? `${compute}/servers/detail?limit=1000`, url === null);
    emit({ figure, ...MANY, ...latencies(times), p95_ms: round(percentile(times, 0.95)) });
  }
}

/** Milliseconds of fifty answers; `onwards`: each asks for the page after the one before. */
async function timesOf(cloud: BenchCloud, first: string, onwards: boolean): Promise<number[]> {
  const connection = cloud.connect();
  const times: number[] = [];
  let url = first;
  for (let n = 0; n < 60; n++) {
    const before = performance.now();
    const answer = await connection.call("GET", url, { token: cloud.token });
    const took = performance.now() - before;
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${answer.text.slice(0, 200)}`);
    if (!onwards) {
      if (n >= 10) times.push(took);
      continue;
    }
    const { servers } = JSON.parse(answer.text) as { servers: { id: string }[] };
    // the one page that is not full is no page of a thousand
    if (servers.length === 1_000 && n >= 10) times.push(took);
    url = servers.length < 1_000 ? first : `${first}&marker=${servers.at(-1)?.id ?? ""}`;
  }
  connection.close();
  return times;
}

async function main(kind: string): Promise<void> {
  if (kind === "disk") return besideBareDisk();
  const simulated = kind !== "real";
  const cloud = await startCloud(`bench-${kind}`, simulated ? ["--simulated", "--plain-http"] : []);
  try {
    const stage = await setStage(cloud);
    if (kind === "many") {
      await manyServers(cloud, stage);
    } else if (simulated) {
      emitMemory(cloud);
      await tokens(cloud);
      await createToActive(cloud, stage, "server.create_to_active.simulated", 30);
      await lists(cloud, stage);
      await portsIntoOvn(cloud, stage);
    } else {
      await createToActive(cloud, stage, "server.create_to_active.real", 5);
      await besideBareQemu(cloud, stage, 5);
    }
    emitMemory(cloud);
    stage.connection.close();
  } finally {
    cloud.andromede("down", "--purge", "--yes");
  }
}

for (const kind of process.argv.length > 2 ? process.argv.slice(2) : ["simulated", "many", "real", "disk"])
  await main(kind);
