/**
 * What the object store is measured beside: the same runtime, as many processes, a file an object, file and directory fsynced. No
 * metadata, no account, no encryption, no checksum. Started by bench/object.ts with a directory; says its port.
 */
import cluster from "node:cluster";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { basename, join } from "node:path";

const directory = process.argv[2] ?? "";
const PROCESSES = 2;

async function put(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const unfinished = `${path}.${process.pid}.${Math.random()}`;
  const file = await open(unfinished, "w");
  for await (const chunk of request) await file.write(chunk as Buffer);
  await file.datasync();
  await file.close();
  await rename(unfinished, path);
  const names = await open(directory);
  await names.sync();
  await names.close();
  response.writeHead(201, { "content-length": 0 }).end();
}

async function get(response: ServerResponse, path: string): Promise<void> {
  const { size } = await stat(path);
  response.writeHead(200, { "content-length": size });
  createReadStream(path, { highWaterMark: 256 * 1024 }).pipe(response);
}

if (cluster.isPrimary) {
  await mkdir(directory, { recursive: true });
  for (let count = 0; count < PROCESSES; count += 1) cluster.fork();
  let said = false;
  cluster.on("listening", (_, { port }) => {
    if (!said) process.stdout.write(`${port}\n`);
    said = true;
  });
} else {
  createServer((request, response) => {
    const path = join(directory, basename(request.url ?? ""));
    const done = request.method === "PUT" ? put(request, response, path) : get(response, path);
    done.catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
}
