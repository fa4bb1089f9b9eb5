/**
 * Backups in a bucket of an S3 server, which is to be theirs alone, without versions:
 *
 *   backups/<id>/complete                which draft is the backup: its name
 *   backups/<id>/<draft>/pieces-00000000  16 MiB of `pieces`, and so on; the last one may be shorter
 *   backups/<id>/<draft>/manifest
 *   making/<host>/<id>/<draft>           the host makes it
 *
 * Each of these is one PUT, whole or not there at all, so there is no upload of several parts that could be left open.
 * `complete` is only made where there is none. A request of an agent that died, or gave up, may yet be carried out: what is
 * left of a draft is therefore removed at once, and once more when no request can be on its way, and the note in `making/`
 * with it. Where the note is gone, a draft is not published: the backup was removed meanwhile.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

import { CloudError, conflict, notFound, unavailable } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import { deleteKeys, ensureBucket, listKeys } from "@andromede/s3-client/bucket";
import { type S3Client, type S3Request, bodyOf } from "@andromede/s3-client/client";
import { type S3Place, openS3Place } from "@andromede/s3-client/place";

import {
  type BackupDriver,
  type BackupDriverContext,
  type Draft,
  type DraftWriter,
  MOST_HEADER_BYTES,
  type PieceReader,
} from "./backup-driver.ts";
import { damaged } from "./backup-format.ts";

export const STRIPE_BYTES = 16 * 1024 * 1024;
/** Longer than a request and all its tries. */
const LATE_MS = 600_000;
/** How long a copy of hours waits for a server that is restarted. */
const PATIENCE_MS = 60_000;
const PATIENCE_STEP_MS = 1_000;

const MAKING = "making/";
const prefixOf = (backupId: string): string => `backups/${backupId}/`;
const completeKey = (backupId: string): string => `${prefixOf(backupId)}complete`;
const draftPrefix = ({ backupId, name }: Draft): string => `${prefixOf(backupId)}${name}/`;
const manifestKey = (draft: Draft): string => `${draftPrefix(draft)}manifest`;
const stripeKey = (draft: Draft, stripe: number): string =>
  `${draftPrefix(draft)}pieces-${String(stripe).padStart(8, "0")}`;

type Body = NonNullable<S3Request["body"]>;

export function openBackupBucket(place: S3Place, context: BackupDriverContext): BackupDriver {
  const bucket = new Bucket(place);
  const notes = new Notes(bucket, context);

  const draftOf = async (backupId: string): Promise<Draft | null> => {
    const name = (await bucket.read(completeKey(backupId)))?.toString("latin1");
    return name === undefined ? null : { backupId, name };
  };
  const published = async (backupId: string): Promise<Draft> => {
    const draft = await draftOf(backupId);
    if (draft === null) throw notFound(`Backup ${backupId} is not there`);
    return draft;
  };

  return {
    start: () => Promise.resolve(),
    tidy: () => notes.tidy(async ({ backupId, name }) => (await draftOf(backupId))?.name === name),
    async readManifestHead(backupId) {
      const draft = await draftOf(backupId);
      if (draft === null) return null;
      return bucket.read(manifestKey(draft), { first: 0, last: MOST_HEADER_BYTES - 1 });
    },
    async readManifest(backupId) {
      const manifest = await patiently(async () => bucket.read(manifestKey(await published(backupId))));
      if (manifest === null) throw damaged(backupId);
      return manifest;
    },
    async openPieces(backupId) {
      return pieceReader(bucket, await patiently(() => published(backupId)));
    },
    async begin(backupId) {
      const draft = { backupId, name: newHexId() };
      await notes.write(draft);
      return draft;
    },
    openDraft: (draft) => Promise.resolve(draftWriter(bucket, draft)),
    async publish(draft, signal) {
      const isOurs = await patiently(async () => {
        if (!(await notes.isThere(draft))) throw conflict(`Backup ${draft.backupId} was removed meanwhile`);
        await bucket.put(completeKey(draft.backupId), bodyOf(Buffer.from(draft.name)), { "if-none-match": "*" });
        // What was made by an earlier try, whose answer was lost, is ours too.
        const winner = await draftOf(draft.backupId);
        if (winner === null) throw unavailable("what was put into the bucket is not there");
        return winner.name === draft.name;
      }, signal);
      if (!isOurs) await bucket.removeBelow(draftPrefix(draft));
      await notes.remove(draft);
    },
    async abandon(draft) {
      notes.leave(draft);
      await bucket.removeBelow(draftPrefix(draft));
    },
    async remove(backupId, unnamed) {
      await notes.removeOthers(backupId);
      await bucket.remove(completeKey(backupId));
      unnamed();
      await bucket.removeBelow(prefixOf(backupId));
    },
    close: () => bucket.close(),
  };
}

/** The client, and the few things that are asked of it. */
class Bucket {
  readonly #place: S3Place;
  #client: S3Client | null = null;
  #ready: Promise<S3Client> | null = null;

  constructor(place: S3Place) {
    this.#place = place;
  }

  /** Opened by whoever needs it first: the key may come after the agent has started, and so may the server. */
  #open(): Promise<S3Client> {
    this.#ready ??= this.#ensure().catch((error: unknown) => {
      this.close();
      throw error;
    });
    return this.#ready;
  }

  async #ensure(): Promise<S3Client> {
    try {
      this.#client = openS3Place(this.#place);
    } catch (cause) {
      if (cause instanceof CloudError) throw cause;
      throw unavailable("The key to where backups are kept cannot be read", { cause });
    }
    await ensureBucket(this.#client);
    return this.#client;
  }

  /** null: it is not there. */
  async read(key: string, range?: { first: number; last: number }): Promise<Buffer | null> {
    const client = await this.#open();
    const asked: S3Request = { method: "GET", key, ...(range === undefined ? {} : { range }) };
    const answer = await client.send(asked, [200, 206, 404, 416]);
    const bytes = await buffer(answer).catch((cause: unknown) => {
      throw unavailable("The server that keeps backups broke off", { cause });
    });
    return answer.statusCode === 200 || answer.statusCode === 206 ? bytes : null;
  }

  async isThere(key: string): Promise<boolean> {
    const client = await this.#open();
    return (await client.ask({ method: "HEAD", key }, [200, 404])).status === 200;
  }

  /** With a condition: also when it does not hold. */
  async put(key: string, body: Body, headers: { [name: string]: string } = {}): Promise<void> {
    const client = await this.#open();
    const expected = "if-none-match" in headers ? [200, 409, 412] : [200];
    await client.ask({ method: "PUT", key, headers, body }, expected).catch((error: unknown) => this.#lost(error));
  }

  async remove(key: string): Promise<void> {
    const client = await this.#open();
    await client.ask({ method: "DELETE", key }, [200, 204, 404]);
  }

  async removeBelow(prefix: string): Promise<void> {
    const client = await this.#open();
    try {
      for await (const page of listKeys(client, prefix)) await deleteKeys(client, page);
    } catch (error) {
      this.#lost(error);
    }
  }

  async keysBelow(prefix: string): Promise<string[]> {
    const client = await this.#open();
    const pages = await Array.fromAsync(listKeys(client, prefix)).catch((error: unknown) => this.#lost(error));
    return pages.flat();
  }

  /** Where only the bucket can be missing, it is: whoever asks next makes it again. */
  #lost(error: unknown): never {
    if (!(error instanceof CloudError) || error.kind !== "notFound") throw error;
    this.close();
    throw unavailable("The bucket that keeps backups is not there", { cause: error });
  }

  close(): void {
    this.#ready = null;
    this.#client?.close();
    this.#client = null;
  }
}

/** Who makes what: `making/`. */
class Notes {
  readonly #bucket: Bucket;
  readonly #context: BackupDriverContext;
  /** Names of the drafts that this process makes. */
  readonly #mine = new Set<string>();
  /** When what is left of a draft was removed first. */
  readonly #removedAt = new Map<string, number>();
  /** May there be something to remove? Of an earlier agent at first. */
  #isTidy = false;
  #tidying = false;

  constructor(bucket: Bucket, context: BackupDriverContext) {
    this.#bucket = bucket;
    this.#context = context;
  }

  async write(draft: Draft): Promise<void> {
    this.#mine.add(draft.name);
    try {
      await this.#bucket.put(this.#keyOf(draft), bodyOf(Buffer.alloc(0)));
    } catch (error) {
      this.leave(draft);
      throw error;
    }
  }

  isThere(draft: Draft): Promise<boolean> {
    return this.#bucket.isThere(this.#keyOf(draft));
  }

  async remove(draft: Draft): Promise<void> {
    this.leave(draft);
    await this.#bucket.remove(this.#keyOf(draft)).catch(this.#context.warn);
  }

  /** The draft is nobody's any more: `tidy` sees to it. */
  leave({ name }: Draft): void {
    this.#mine.delete(name);
    this.#isTidy = false;
  }

  /** Whoever makes this backup on another host will not publish it. */
  async removeOthers(backupId: string): Promise<void> {
    const ours = `${MAKING}${this.#context.host}/`;
    const notes = await this.#bucket.keysBelow(MAKING);
    const others = notes.filter((key) => !key.startsWith(ours) && draftIn(key)?.backupId === backupId);
    await Promise.all(others.map((key) => this.#bucket.remove(key)));
  }

  tidy(isPublished: (draft: Draft) => Promise<boolean>): void {
    if (this.#isTidy || this.#tidying) return;
    this.#tidying = true;
    // What is left while this goes on is for the next time.
    this.#isTidy = true;
    this.#tidy(isPublished)
      .then((isTidy) => {
        this.#isTidy &&= isTidy;
      })
      .catch((error: unknown) => {
        this.#isTidy = false;
        this.#context.warn(error);
      })
      .finally(() => {
        this.#tidying = false;
      });
  }

  /** False: something has to be looked at again. */
  async #tidy(isPublished: (draft: Draft) => Promise<boolean>): Promise<boolean> {
    let isTidy = true;
    for (const key of await this.#bucket.keysBelow(`${MAKING}${this.#context.host}/`)) {
      const draft = draftIn(key);
      if (draft === null || this.#mine.has(draft.name)) continue;
      // eslint-disable-next-line no-await-in-loop
      const isDone = (await isPublished(draft)) || (await this.#removeLeft(draft));
      isTidy &&= isDone;
      if (!isDone) continue;
      // eslint-disable-next-line no-await-in-loop
      await this.#bucket.remove(key);
      this.#removedAt.delete(draft.name);
    }
    return isTidy;
  }

  /** True when nothing of the draft can come any more. */
  async #removeLeft(draft: Draft): Promise<boolean> {
    await this.#bucket.removeBelow(draftPrefix(draft));
    const now = this.#context.now();
    const since = this.#removedAt.get(draft.name) ?? now;
    this.#removedAt.set(draft.name, since);
    return now - since >= LATE_MS;
  }

  #keyOf({ backupId, name }: Draft): string {
    return `${MAKING}${this.#context.host}/${backupId}/${name}`;
  }
}

function draftIn(note: string): Draft | null {
  const [, , backupId, name] = note.split("/");
  return backupId === undefined || name === undefined ? null : { backupId, name };
}

/** Does it again for a while when the server cannot, unless it is given up. */
async function patiently<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const started = performance.now();
  for (;;) {
    try {
      // Tries are one after the other.
      // eslint-disable-next-line no-await-in-loop
      return await work();
    } catch (error) {
      const mayPass = error instanceof CloudError && error.kind === "unavailable";
      if (!mayPass || signal?.aborted === true || performance.now() - started > PATIENCE_MS) throw error;
      // eslint-disable-next-line no-await-in-loop
      await delay(PATIENCE_STEP_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** One stripe is on its way while the next one fills. */
function draftWriter(bucket: Bucket, draft: Draft): DraftWriter {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let stripes = 0;
  let sending: Promise<void> = Promise.resolve();
  const closing = new AbortController();

  async function send(): Promise<void> {
    await sending;
    const parts = held;
    const sum = parts.reduce((digest, part) => digest.update(part), createHash("sha256"));
    const body = { bytes: heldBytes, sha256: sum.digest("hex"), stream: () => Readable.from(parts) };
    const key = stripeKey(draft, stripes);
    stripes += 1;
    held = [];
    heldBytes = 0;
    sending = patiently(() => bucket.put(key, body), closing.signal);
    sending.catch(() => undefined);
  }

  return {
    async append(bytes) {
      for (let rest = bytes; rest.length > 0;) {
        const part = rest.subarray(0, STRIPE_BYTES - heldBytes);
        held.push(part);
        heldBytes += part.length;
        rest = rest.subarray(part.length);
        // eslint-disable-next-line no-await-in-loop
        if (heldBytes === STRIPE_BYTES) await send();
      }
    },
    async finish(manifest) {
      if (heldBytes > 0) await send();
      await sending;
      await patiently(() => bucket.put(manifestKey(draft), bodyOf(manifest)), closing.signal);
    },
    close() {
      closing.abort();
      return Promise.resolve();
    },
  };
}

function pieceReader(bucket: Bucket, draft: Draft): PieceReader {
  const closing = new AbortController();
  async function readIn(stripe: number, first: number, bytes: number): Promise<Buffer> {
    const range = { first, last: first + bytes - 1 };
    const part = await patiently(() => bucket.read(stripeKey(draft, stripe), range), closing.signal);
    if (part?.length !== bytes) throw damaged(draft.backupId);
    return part;
  }
  return {
    async read(offset, length) {
      const parts: Promise<Buffer>[] = [];
      for (let at = offset; at < offset + length;) {
        const first = at % STRIPE_BYTES;
        const bytes = Math.min(STRIPE_BYTES - first, offset + length - at);
        parts.push(readIn(Math.floor(at / STRIPE_BYTES), first, bytes));
        at += bytes;
      }
      return Buffer.concat(await Promise.all(parts));
    },
    close() {
      closing.abort();
      return Promise.resolve();
    },
  };
}
