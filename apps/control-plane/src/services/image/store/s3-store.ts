/**
 * Image bytes in a bucket: `images/<image id>.<upload id>`, put in parts while they come in. On this machine there are
 * `<directory>/incoming/`, files of uploads under way, for whoever must look into one before it is an image; and
 * `<directory>/copies/`. What lies in `<directory>` itself a store of files has left there: it is brought to the bucket.
 */
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";

import { CloudError, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import { ensureBucket, listKeys } from "@andromede/s3-client/bucket";
import { type S3Client, bodyOf } from "@andromede/s3-client/client";
import { abortMultipart, listMultiparts } from "@andromede/s3-client/multipart";
import { findObjectBytes, openObject } from "@andromede/s3-client/object";

import { type ImageBytes, bytesName, storageFull, toBytes } from "./bytes-name.ts";
import { ensureDirectories, namesIn } from "./directory.ts";
import type { ImageStore } from "./image-store.ts";
import { type LocalCopies, openLocalCopies } from "./local-copies.ts";
import { receiveUpload } from "./receive-upload.ts";
import { sendFile } from "./send-file.ts";
import { type Sending, startSending } from "./send-parts.ts";

const PREFIX = "images/";
/** Says whose bucket it is: another installation would take what is not its own for nobody's. */
const OWNER_KEY = "andromede-owner";

export type S3StoreOptions = {
  directory: string;
  /** What copies may take here. */
  cacheBytes: number;
  client: S3Client;
  /** Of this installation and of no other. */
  owner: string;
  log: Logger;
};

export function openS3Store({ directory, cacheBytes, client, owner, log }: S3StoreOptions): ImageStore {
  const copies = openLocalCopies({ directory: join(directory, "copies"), maxBytes: cacheBytes, client });
  const sendings = new Map<string, Sending>();
  const keyOf = (of: ImageBytes): string => `${PREFIX}${bytesName(of)}`;
  const incoming = (of: ImageBytes): string => join(directory, "incoming", bytesName(of));
  const leftByFiles = (of: ImageBytes): string => join(directory, bytesName(of));
  const claim = claimOnce(client, owner, log);

  async function prepare(): Promise<void> {
    await ensureDirectories(directory, ["incoming", "copies"]);
    await claim();
  }

  const openHere = async (of: ImageBytes): Promise<FileHandle | null> =>
    (await openIfThere(copies.path(bytesName(of)))) ?? openIfThere(leftByFiles(of));

  async function find(of: ImageBytes): Promise<string | null> {
    const copy = await copies.find(bytesName(of));
    if (copy !== null) return copy;
    return (await bytesOf(leftByFiles(of))) === null ? null : leftByFiles(of);
  }

  return {
    type: "s3",
    prepare,
    async ensureRoom(bytes) {
      if (!(await copies.makeRoom(bytes))) throw storageFull();
    },
    async receive(of, body, options) {
      const path = incoming(of);
      const sending = startSending(client, keyOf(of), path);
      sendings.set(bytesName(of), sending);
      const onWritten = (bytes: number): void => sending.written(bytes);
      return { ...(await receiveUpload(body, { ...options, path, onWritten })), path };
    },
    async publish(of) {
      const sending = sendings.get(bytesName(of));
      if (sending === undefined) throw new Error(`upload ${bytesName(of)} was not received here`);
      await sending.finish();
      sendings.delete(bytesName(of));
      await copies.take(bytesName(of), incoming(of));
    },
    find,
    async file(of) {
      const found = await find(of);
      if (found !== null) return found;
      await prepare();
      return copies.bring(bytesName(of), keyOf(of));
    },
    async open(of, part) {
      const file = await openHere(of);
      if (file !== null) return { write: (response) => sendFile(file, response, part) };
      const pieces = await openObject(client, keyOf(of), part).catch((cause: unknown) => {
        throw unavailable(`The data of image ${of.imageId} cannot be read`, { cause });
      });
      return { write: (response) => sendPieces(pieces, response) };
    },
    async remove(of) {
      sendings.get(bytesName(of))?.abandon();
      sendings.delete(bytesName(of));
      const here = [incoming(of), leftByFiles(of), copies.path(bytesName(of))];
      await Promise.all(here.map((path) => rm(path, { force: true })));
      await removeUnfinished(client, keyOf(of));
      await client.ask({ method: "DELETE", key: keyOf(of) }, [200, 204, 404]);
    },
    async list() {
      await prepare();
      const names = [
        ...(await Promise.all([directory, join(directory, "incoming")].map(namesIn))).flat(),
        ...(await copies.names()),
      ];
      for await (const page of namesInBucket(client)) names.push(...page);
      return toBytes(names);
    },
    async tidy(kept) {
      // one at a time: it is no hurry, and customers want the line too
      for (const each of kept) await takeOver({ client, copies, log }, bytesName(each), leftByFiles(each));
      await copies.tidy();
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

const nameOf = (key: string): string => key.slice(PREFIX.length);

async function* namesInBucket(client: S3Client): AsyncGenerator<string[]> {
  for await (const page of listKeys(client, PREFIX)) yield page.map(nameOf);
  for await (const page of listMultiparts(client, PREFIX)) yield page.map(({ key }) => nameOf(key));
}

async function removeUnfinished(client: S3Client, key: string): Promise<void> {
  for await (const page of listMultiparts(client, key))
    await Promise.all(page.map((upload) => abortMultipart(client, upload)));
}

/** To the bucket with what a store of files has left, if it has. Killed on the way, it begins again. */
async function takeOver(
  { client, copies, log }: { client: S3Client; copies: LocalCopies; log: Logger },
  name: string,
  path: string,
): Promise<void> {
  const bytes = await bytesOf(path);
  if (bytes === null) return;
  const key = `${PREFIX}${name}`;
  if ((await findObjectBytes(client, key)) !== bytes) {
    await removeUnfinished(client, key);
    const sending = startSending(client, key, path);
    sending.written(bytes);
    await sending.finish();
  }
  await copies.take(name, path);
  log.info({ name, bytes }, "image bytes were brought to the bucket");
}

/** Asks until it was answered once. */
function claimOnce(client: S3Client, owner: string, log: Logger): () => Promise<void> {
  let claimed: Promise<void> | null = null;
  return () => {
    claimed ??= claimBucket(client, owner).catch((error: unknown) => {
      claimed = null;
      log.error({ error }, "the bucket of images cannot be used");
      throw error;
    });
    return claimed;
  };
}

/** The bucket is made if need be, and is ours from now on; throws when it is another installation's. */
async function claimBucket(client: S3Client, owner: string): Promise<void> {
  await ensureBucket(client);
  const body = bodyOf(Buffer.from(owner));
  const read = (): Promise<{ status: number; text: string }> =>
    client.ask({ method: "GET", key: OWNER_KEY }, [200, 404]);
  if ((await read()).status === 404)
    await client.ask({ method: "PUT", key: OWNER_KEY, headers: { "if-none-match": "*" }, body }, [200, 409, 412]);
  const found = await read();
  if (found.text.trim() === owner) return;
  throw unavailable("Images cannot be stored at the moment", {
    cause: new Error(`the bucket belongs to another installation: ${OWNER_KEY} says ${found.text.slice(0, 64)}`),
  });
}

const bytesOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ size }) => size,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    },
  );

const openIfThere = (path: string): Promise<FileHandle | null> =>
  open(path, "r").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  });

/** To a response, no faster than it takes them. */
async function sendPieces(pieces: Awaited<ReturnType<typeof openObject>>, response: Writable): Promise<void> {
  try {
    for await (const piece of pieces) {
      if (response.destroyed) throw unavailable("the client has gone");
      if (!response.write(piece)) await drained(response);
    }
  } catch (error) {
    throw error instanceof CloudError ? error : unavailable("the data broke off", { cause: error });
  } finally {
    pieces.close();
  }
}

function drained(response: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      if (response.destroyed) reject(unavailable("the client has gone"));
      else resolve();
    };
    response.once("drain", settle);
    response.once("close", settle);
  });
}
