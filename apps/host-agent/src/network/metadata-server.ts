/**
 * The metadata service, 169.254.169.254: answers, from the ledger, what the proxy of a network (metadata-proxy.ts)
 * passes on. Who asks is known by the network that the proxy names and the address that it saw; guests of different
 * networks may have the same address. Works with the control plane away.
 */
import { chmod, chown, mkdir, unlink } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";

import type { GuestMetadata } from "@andromede/agent-api/types";
import type { Logger } from "@andromede/base/log";
import { createServer } from "@andromede/base/node-http";

import type { LedgerEntry } from "../ledger.ts";

export type MetadataServer = {
  /** Takes note of which guest has which address. */
  entriesChanged(entries: ReadonlyMap<string, LedgerEntry>): void;
  close(): Promise<void>;
};

/**
 * The socket's own directory, which is all that a proxy is shown: what else is beside it, and who may enter there, is
 * then no matter.
 */
export const metadataSocketDirectory = (metadataSocketPath: string): string => `${metadataSocketPath}.d`;
export const METADATA_SOCKET = "proxy.sock";

type ServeOptions = { metadataSocketPath: string; gid: number; log: Logger };

/** Serves on a unix socket that the proxies' group may use. */
export async function serveMetadata(options: ServeOptions): Promise<MetadataServer> {
  const { metadataSocketPath, gid, log } = options;
  const directory = metadataSocketDirectory(metadataSocketPath);
  const socketPath = join(directory, METADATA_SOCKET);
  let byAddress = new Map<string, GuestMetadata>();
  const server = createServer((request, response) => {
    try {
      answer(byAddress, request, response);
    } catch (error) {
      log.error({ error }, "a metadata request failed");
      response.destroy();
    }
  });
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o711);
  await unlink(socketPath).catch(() => undefined);
  await listen(server, socketPath);
  await chown(socketPath, 0, gid);
  await chmod(socketPath, 0o660);
  return {
    entriesChanged(entries) {
      byAddress = indexOf(entries);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
}

const keyOf = (networkId: string, address: string): string => `${networkId} ${address.toLowerCase()}`;

function indexOf(entries: ReadonlyMap<string, LedgerEntry>): Map<string, GuestMetadata> {
  const index = new Map<string, GuestMetadata>();
  for (const { spec, deleting } of entries.values()) {
    if (deleting) continue;
    for (const { networkId, address } of spec.addresses) index.set(keyOf(networkId, address), spec.metadata);
  }
  return index;
}

function answer(
  byAddress: ReadonlyMap<string, GuestMetadata>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const networkId = request.headers["x-ovn-network-id"];
  const address = request.headers["x-forwarded-for"];
  const metadata =
    typeof networkId === "string" && typeof address === "string" ? byAddress.get(keyOf(networkId, address)) : undefined;
  if (request.method !== "GET" && request.method !== "HEAD")
    return reply(request, response, 405, Buffer.from("Method Not Allowed\n"));
  const content = metadata === undefined ? null : lookUp(metadata, request.url ?? "/");
  if (content === null) return reply(request, response, 404, Buffer.from("404 Not Found\n"));
  return reply(request, response, 200, content.bytes, content.type);
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: Buffer,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "content-type": type, "content-length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** What is at a path: a file, or the listing of a directory; null when nothing is. */
export function lookUp(metadata: GuestMetadata, url: string): { bytes: Buffer; type: string } | null {
  const { files, binaryFiles = {} } = metadata;
  const path = pathOf(url);
  if (path === null || path === "ec2" || path.startsWith("ec2/")) return null;
  const binary = Object.hasOwn(binaryFiles, path) ? binaryFiles[path] : undefined;
  if (binary !== undefined) return { bytes: Buffer.from(binary, "base64"), type: "application/octet-stream" };
  const file = Object.hasOwn(files, path) ? files[path] : undefined;
  const text = file ?? listing([...Object.keys(files), ...Object.keys(binaryFiles)], path);
  if (text === null) return null;
  return { bytes: Buffer.from(text), type: path.endsWith(".json") ? "application/json" : "text/plain; charset=utf-8" };
}

function pathOf(url: string): string | null {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? "");
    return path
      .split("/")
      .filter((segment) => segment !== "")
      .join("/");
  } catch {
    return null;
  }
}

/**
 * One name a line. As Nova lists: versions (at the root, and under openstack/) bare, directories below with a slash
 * (nova/api/metadata/base.py, `ec2_md_print`); the root shows the EC2 side only.
 */
function listing(paths: readonly string[], directory: string): string | null {
  const prefix = directory === "" ? "" : `${directory}/`;
  const names = new Map<string, boolean>();
  for (const path of paths) {
    if (!path.startsWith(prefix) || (directory === "" && /^(openstack|ec2)\//.test(path))) continue;
    const [name = "", ...below] = path.slice(prefix.length).split("/");
    names.set(name, (names.get(name) ?? false) || below.length > 0);
  }
  if (names.size === 0 && directory !== "") return null;
  const bare = directory === "" || directory === "openstack";
  return [...names]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, isDirectory]) => (isDirectory && !bare ? `${name}/` : name))
    .join("\n");
}
