/** The object store's figures: node bench/object.ts. One JSON line each, beside a bare store of the same runtime; see README.md. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

import { type BenchCloud, startCloud } from "./support/cloud.ts";
import { emit, latencies, round } from "./support/measure.ts";
import { emitMemory } from "./support/memory.ts";
import { type ObjectClient, type ObjectRequest, openObjectClient } from "./support/object-client.ts";

const SECONDS = Number(process.env["BENCH_SECONDS"] ?? "3");
const LIST_CLIENTS = 8;
const KEYS = Number(process.env["BENCH_KEYS"] ?? "20000");
const SIZES = [4 * 1024, 1024 * 1024, 8 * 1024 * 1024];
const CLIENTS = [1, 8, 32];
/** Objects that reads take turns at. */
const READ = 64;

/** Makes requests of one store: where its objects are and what it wants to be told. */
type Target = {
  name: string;
  port: number;
  request(method: string, key: string, length?: number, query?: string): string;
};

const head = (method: string, path: string, headers: { [name: string]: string | number }): string =>
  `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;

async function run(
  figure: string,
  target: Target,
  clients: number,
  want: number,
  make: (client: number, turn: number) => ObjectRequest,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: clients }, () => openObjectClient(target.port)));
  const times: number[] = [];
  let bytes = 0;
  const started = performance.now();
  const loop = async (connection: ObjectClient, place: number): Promise<void> => {
    for (let turn = 0; performance.now() - started < SECONDS * 1_000; turn += 1) {
      const request = make(place, turn);
      const before = performance.now();
      const answer = await connection.send(request);
      times.push(performance.now() - before);
      if (answer.status !== want) throw new Error(`${figure}: ${answer.status}`);
      bytes += answer.bytes + (request.body?.length ?? 0);
    }
  };
  await Promise.all(connections.map(loop));
  const seconds = (performance.now() - started) / 1_000;
  for (const connection of connections) connection.close();
  const perSecond = times.length / seconds;
  emit({
    figure,
    target: target.name,
    clients,
    ops_s: round(perSecond),
    mib_s: round(bytes / seconds / 2 ** 20),
    ...latencies(times),
  });
  return perSecond;
}

async function readsAndWrites(cloud: BenchCloud, targets: Target[]): Promise<void> {
  for (const size of SIZES) {
    const body = randomBytes(size);
    for (const clients of CLIENTS) {
      const put: number[] = [];
      const get: number[] = [];
      for (const target of targets) {
        const key = (client: number, turn: number): string => `${size}-${client}-${turn % READ}`;
        put.push(
          await run(`object.put/${size}/${clients}`, target, clients, 201, (client, turn) => ({
            head: target.request("PUT", key(client, turn), size),
            body,
          })),
        );
        const connection = await openObjectClient(target.port);
        for (let turn = 0; turn < READ; turn += 1)
          await connection.send({ head: target.request("PUT", key(0, turn), size), body });
        connection.close();
        get.push(
          await run(`object.get/${size}/${clients}`, target, clients, 200, (_, turn) => ({
            head: target.request("GET", key(0, turn)),
          })),
        );
      }
      emit({ figure: `object.ratio/${size}/${clients}`, put: ratio(put), get: ratio(get) });
    }
    emitMemory(cloud, `object.memory/${size}`);
  }
}

const ratio = ([ours = 0, bare = 0]: number[]): number => round(ours / bare, 3);

async function lists(target: Target): Promise<void> {
  await overKeys("object.create", target, async (connection, key) => {
    await connection.send({ head: target.request("PUT", key, 10), body: Buffer.from("0123456789") });
  });
  for (const count of [1, LIST_CLIENTS]) {
    await run(`object.list1000.of${KEYS}/${count}`, target, count, 200, (client, turn) => {
      const after = keyOf((client * 7_919 + turn * 104_729) % KEYS);
      return { head: target.request("GET", "", undefined, `format=json&limit=1000&prefix=list/&marker=${after}`) };
    });
  }
}

/** Of the objects that the lists were of. */
async function deletions(target: Target): Promise<void> {
  await overKeys("object.delete", target, async (connection, key) => {
    const { status } = await connection.send({ head: target.request("DELETE", key) });
    if (status !== 204) throw new Error(`object.delete: ${status}`);
  });
}

type Connection = Awaited<ReturnType<typeof openObjectClient>>;

/** The same with each key, by several clients. */
async function overKeys(
  figure: string,
  target: Target,
  once: (connection: Connection, key: string) => Promise<void>,
): Promise<void> {
  const clients = LIST_CLIENTS;
  const connections = await Promise.all(Array.from({ length: clients }, () => openObjectClient(target.port)));
  const started = performance.now();
  await Promise.all(
    connections.map(async (connection, place) => {
      for (let n = place; n < KEYS; n += clients) await once(connection, keyOf(n));
    }),
  );
  emit({ figure, clients, keys: KEYS, ops_s: round((KEYS * 1_000) / (performance.now() - started)) });
  for (const connection of connections) connection.close();
}

const keyOf = (n: number): string => `list/${String(n).padStart(9, "0")}`;

function swiftTarget(cloud: BenchCloud, container: string): Target {
  const url = new URL(cloud.endpoints["object-store"] ?? "");
  const base = `${url.pathname}/${container}`;
  return {
    name: "andromede",
    port: Number(url.port),
    request: (method, key, length, query) =>
      head(method, `${base}${key === "" ? "" : `/${key}`}${query === undefined ? "" : `?${query}`}`, {
        "x-auth-token": cloud.token,
        ...(length === undefined ? {} : { "content-length": length, "content-type": "application/octet-stream" }),
      }),
  };
}

async function bareTarget(directory: string): Promise<{ target: Target; stop: () => void }> {
  const program = join(import.meta.dirname, "support/bare-store.ts");
  const child = spawn(process.execPath, [program, directory], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString().trim());
  return {
    target: {
      name: "bare",
      port,
      request: (method, key, length) =>
        head(method, `/${key}`, length === undefined ? {} : { "content-length": length }),
    },
    stop: () => void child.kill(),
  };
}

const cloud = await startCloud("benchobjects", ["--simulated", "--plain-http", "--no-images"]);
const bareDirectory = mkdtempSync(join(cloud.data, "bare-"));
const bare = await bareTarget(bareDirectory);
try {
  const ours = swiftTarget(cloud, "bench");
  const connection = await openObjectClient(ours.port);
  await connection.send({ head: ours.request("PUT", "", 0) });
  connection.close();
  emitMemory(cloud, "object.memory.idle");
  await readsAndWrites(cloud, [ours, bare.target]);
  await lists(ours);
  await deletions(ours);
} finally {
  bare.stop();
  rmSync(bareDirectory, { recursive: true, force: true });
  cloud.andromede("down", "--purge", "--yes", "--keep-engines");
}
