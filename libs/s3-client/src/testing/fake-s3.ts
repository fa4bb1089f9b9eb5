/** As much of an S3 server as the driver asks for, in memory; it checks signatures by asking for the same. Test files only. */
import { createHash } from "node:crypto";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import { decodeXml } from "../bucket.ts";
import { sign } from "../client.ts";

export type FakeS3 = {
  url: string;
  objects: Map<string, Buffer>;
  /** Multipart uploads that nobody has completed or aborted, by their ids. */
  uploads: Map<string, { key: string; parts: Map<number, Buffer> }>;
  requests: string[];
  /** The answers to the next requests, instead of what they ask for; `cut`: the connection ends in the middle; `none`: as asked. */
  fail: (number | "cut" | "none")[];
  close(): Promise<void>;
};

type Keys = { region: string; accessKey: string; secretKey: string };

export async function startFakeS3(keys: Keys): Promise<FakeS3> {
  const objects = new Map<string, Buffer>();
  const uploads: FakeS3["uploads"] = new Map();
  const kept: Kept = { objects, uploads };
  const requests: string[] = [];
  const fail: FakeS3["fail"] = [];
  let bucket: string | null = null;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const url = new URL(request.url ?? "", "http://fake.test");
    const [, name = "", ...rest] = url.pathname.split("/");
    const key = rest.join("/");
    requests.push(`${request.method ?? ""} ${key}`);
    if (!isSigned(keys, request, url, body))
      return void response.writeHead(403).end("<Code>SignatureDoesNotMatch</Code>");
    const failure = fail.shift();
    if (typeof failure === "number") return void response.writeHead(failure).end();
    if (key === "" && url.searchParams.has("delete")) return onDeletion(kept, response, body);
    if (key === "") return onBucket(request, response, url, name);
    if (bucket !== name) return void response.writeHead(404).end("<Code>NoSuchBucket</Code>");
    if (url.searchParams.has("uploads") || url.searchParams.has("uploadId"))
      return onUpload(kept, request, response, { key, body, query: url.searchParams });
    onObject(request, response, { key, body, isCut: failure === "cut" });
  }

  function onObject(
    request: IncomingMessage,
    response: ServerResponse,
    { key, body, isCut }: { key: string; body: Buffer; isCut: boolean },
  ): void {
    if (request.method === "PUT") {
      if (request.headers["if-none-match"] === "*" && objects.has(key))
        return void response.writeHead(412).end("<Code>PreconditionFailed</Code>");
      objects.set(key, body);
      return void response.writeHead(200).end();
    }
    if (request.method === "DELETE") return void response.writeHead(objects.delete(key) ? 204 : 404).end();
    const found = objects.get(key);
    if (found === undefined) return void response.writeHead(404).end("<Code>NoSuchKey</Code>");
    const [range, first = "0", last = "0"] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    if (range === undefined) return void response.writeHead(200, { "content-length": found.length }).end(found);
    const part = found.subarray(Number(first), Number(last) + 1);
    response.writeHead(206, {
      "content-length": part.length,
      "content-range": `bytes ${first}-${last}/${found.length}`,
    });
    if (!isCut) return void response.end(part);
    response.write(part.subarray(0, part.length / 2), () => response.destroy());
  }

  function onBucket(request: IncomingMessage, response: ServerResponse, url: URL, name: string): void {
    if (request.method === "PUT") bucket = name;
    if (request.method !== "GET") return void response.writeHead(bucket === name ? 200 : 404).end();
    if (url.searchParams.has("uploads")) return onUploadList(kept, response, url.searchParams);
    const after = url.searchParams.get("continuation-token") ?? "";
    const found = [...objects.keys()].filter(
      (key) => key.startsWith(url.searchParams.get("prefix") ?? "") && key > after,
    );
    // pages of two: whoever lists must ask for the next
    const page = found.sort().slice(0, 2);
    const next = found.length > 2 ? `<NextContinuationToken>${page.at(-1) ?? ""}</NextContinuationToken>` : "";
    response.writeHead(200).end(`<L>${page.map((key) => `<C><Key>${key}</Key></C>`).join("")}${next}</L>`);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    uploads,
    requests,
    fail,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Kept = Pick<FakeS3, "objects" | "uploads">;
let made = 0;

function onUpload(
  { objects, uploads }: Kept,
  request: IncomingMessage,
  response: ServerResponse,
  { key, body, query }: { key: string; body: Buffer; query: URLSearchParams },
): void {
  if (query.has("uploads")) {
    made += 1;
    const id = `upload-${String(made).padStart(6, "0")}`;
    uploads.set(id, { key, parts: new Map() });
    return void response.writeHead(200).end(`<R><UploadId>${id}</UploadId></R>`);
  }
  const id = query.get("uploadId") ?? "";
  const upload = uploads.get(id);
  if (upload?.key !== key) return void response.writeHead(404).end("<Code>NoSuchUpload</Code>");
  if (request.method === "PUT") {
    upload.parts.set(Number(query.get("partNumber")), body);
    return void response.writeHead(200, { etag: `"part-${query.get("partNumber") ?? ""}"` }).end();
  }
  uploads.delete(id);
  if (request.method === "DELETE") return void response.writeHead(204).end();
  const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)];
  const parts = named.map(([, number, etag]) =>
    etag === `&quot;part-${number ?? ""}&quot;` ? upload.parts.get(Number(number)) : undefined,
  );
  if (parts.includes(undefined)) return void response.writeHead(400).end("<Code>InvalidPart</Code>");
  objects.set(key, Buffer.concat(parts as Buffer[]));
  response.writeHead(200).end("<CompleteMultipartUploadResult/>");
}

function onUploadList({ uploads }: Kept, response: ServerResponse, query: URLSearchParams): void {
  const after = `${query.get("key-marker") ?? ""} ${query.get("upload-id-marker") ?? ""}`;
  const found = [...uploads]
    .filter(([id, { key }]) => key.startsWith(query.get("prefix") ?? "") && `${key} ${id}` > after)
    .toSorted(([a, { key: one }], [b, { key: other }]) => (`${one} ${a}` < `${other} ${b}` ? -1 : 1));
  const page = found.slice(0, 2);
  const [lastId = "", last] = page.at(-1) ?? [];
  const next =
    found.length > 2
      ? `<IsTruncated>true</IsTruncated><NextKeyMarker>${last?.key ?? ""}</NextKeyMarker><NextUploadIdMarker>${lastId}</NextUploadIdMarker>`
      : "<IsTruncated>false</IsTruncated>";
  const entries = page.map(([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
  response.writeHead(200).end(`<L>${next}${entries.join("")}</L>`);
}

function onDeletion({ objects }: Kept, response: ServerResponse, order: Buffer): void {
  for (const [, key = ""] of order.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(decodeXml(key));
  response.writeHead(200).end("<DeleteResult/>");
}

function isSigned(keys: Keys, request: IncomingMessage, url: URL, body: Buffer): boolean {
  const { headers, method } = request;
  const time = String(headers["x-amz-date"]);
  const at = new Date(time.replace(/(....)(..)(..T..)(..)(..Z)/, "$1-$2-$3:$4:$5"));
  const sha256 = createHash("sha256").update(body).digest("hex");
  const [, first, last] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
  const names = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? "")?.[1]?.split(";") ?? [];
  const others = names.filter((name) => !["host", "range", "x-amz-content-sha256", "x-amz-date"].includes(name));
  const expected = sign(keys, {
    asked: {
      method: method as "GET",
      key: "",
      ...(first === undefined ? {} : { range: { first: Number(first), last: Number(last) } }),
      headers: Object.fromEntries(others.map((name) => [name, String(headers[name])])),
      ...(body.length > 0 ? { body: { bytes: body.length, sha256, stream: () => body } } : {}),
    },
    host: String(headers.host),
    path: url.pathname,
    query: url.search.slice(1),
    at,
  });
  return headers.authorization === expected["authorization"];
}
