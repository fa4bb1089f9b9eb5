/**
 * Making and restoring backups, in a thread of their own (backup-thread.ts): hashing and sealing would hold up everything
 * else. Memory is bounded: a few pieces, and the table.
 */
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";

import { invalid } from "@andromede/base/errors";
import { type NbdClient, connectNbd } from "@andromede/nbd/client";

import type { BackupDriver, Draft, DraftWriter, PieceReader } from "./backup-driver.ts";
import {
  type BackupEntry,
  type BackupHeader,
  type BackupKeys,
  PIECE_BYTES,
  backupKeys,
  damaged,
  decodeManifest,
  digestOf,
  encodeManifest,
  openPiece,
  sealPiece,
} from "./backup-format.ts";
import { EXPORT_NAME } from "./tools.ts";

export type StoreWork = {
  do: "store";
  draft: Draft;
  socketPath: string;
  /** Of what is exported there: the export may go on, with zeroes. */
  sizeBytes: number;
  key: string;
  backup: { id: string; volumeId: string; parentId: string | null };
};
export type RestoreWork = { do: "restore"; socketPath: string; key: string; backupId: string };

export type Progress = { progress: number; storedBytes: number; pieces: number };

/** Pieces in hand at a time. */
const DEPTH = 4;
const EXTENT_BYTES = 1024 * 1024 * 1024;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Copies what the server at the socket exports into a draft; it is a whole backup afterwards, but for its name. */
export async function storeBackup(
  driver: BackupDriver,
  work: StoreWork,
  tell: (progress: Progress) => void,
): Promise<BackupHeader> {
  const { draft, backup } = work;
  const keys = backupKeys(work.key);
  const parent =
    backup.parentId === null ? null : decodeManifest(keys, await driver.readManifest(backup.parentId), backup.parentId);
  if (parent !== null && parent.header.pieceBytes !== PIECE_BYTES) throw damaged(parent.header.id);
  const chain = [...(parent?.header.chain ?? []), backup.id];
  const client = await connectNbd({ socketPath: work.socketPath, exportName: EXPORT_NAME });
  try {
    const writer = await driver.openDraft(draft);
    try {
      const copier = new Copier({
        client,
        sizeBytes: work.sizeBytes,
        keys,
        writer,
        holderId: backup.id,
        holder: chain.length - 1,
        known: new Map((parent?.entries ?? []).map((entry) => [entry.piece, entry])),
      });
      await copier.copy(tell);
      const header = {
        ...backup,
        chain,
        sizeBytes: work.sizeBytes,
        pieceBytes: PIECE_BYTES,
        storedBytes: copier.storedBytes,
        pieces: copier.pieces,
      };
      await writer.finish(encodeManifest(keys, header, copier.entries));
      return header;
    } finally {
      await writer.close();
    }
  } finally {
    await client.close();
  }
}

type Prepared = { piece: number } & ({ same: BackupEntry } | { sealed: Buffer; digest: Buffer } | { zero: true });

type CopierOptions = {
  client: NbdClient;
  sizeBytes: number;
  keys: BackupKeys;
  writer: DraftWriter;
  holderId: string;
  holder: number;
  /** The parent's pieces, by number. */
  known: ReadonlyMap<number, BackupEntry>;
};

class Copier {
  readonly entries: BackupEntry[] = [];
  storedBytes = 0;
  pieces = 0;
  readonly #options: CopierOptions;

  constructor(options: CopierOptions) {
    this.#options = options;
  }

  /** Reading and sealing of some pieces goes on while the one before is written. */
  async copy(tell: (progress: Progress) => void): Promise<void> {
    const total = Math.max(1, Math.ceil(this.#options.sizeBytes / PIECE_BYTES));
    const underWay: Promise<Prepared>[] = [];
    const writeOne = async (): Promise<void> => {
      const prepared = await underWay.shift();
      if (prepared === undefined) return;
      await this.#write(prepared);
      const { storedBytes, pieces } = this;
      tell({ progress: Math.floor(((prepared.piece + 1) * 100) / total), storedBytes, pieces });
    };
    for await (const piece of this.#piecesWithData()) {
      const preparing = this.#prepare(piece);
      preparing.catch(() => undefined);
      underWay.push(preparing);
      if (underWay.length >= DEPTH) await writeOne();
    }
    while (underWay.length > 0) {
      // eslint-disable-next-line no-await-in-loop
      await writeOne();
    }
  }

  /** Numbers of the pieces that are not known to be zeroes, ascending, each once. */
  async *#piecesWithData(): AsyncGenerator<number> {
    const { client, sizeBytes } = this.#options;
    let next = 0;
    let offset = 0;
    while (offset < sizeBytes) {
      // eslint-disable-next-line no-await-in-loop
      const extents = await client.extents(offset, Math.min(EXTENT_BYTES, sizeBytes - offset));
      for (const extent of extents) {
        const end = Math.min(sizeBytes, extent.offset + extent.length);
        offset = end;
        if (extent.zero) continue;
        next = Math.max(next, Math.floor(extent.offset / PIECE_BYTES));
        for (; next * PIECE_BYTES < end; next += 1) yield next;
      }
    }
  }

  async #prepare(piece: number): Promise<Prepared> {
    const { client, sizeBytes, keys, known, holderId } = this.#options;
    const offset = piece * PIECE_BYTES;
    const bytes = await client.read(offset, Math.min(PIECE_BYTES, sizeBytes - offset));
    if (isZero(bytes)) return { piece, zero: true };
    const digest = digestOf(keys, bytes);
    const same = known.get(piece);
    if (same?.digest.equals(digest) === true) return { piece, same };
    const smaller = await compress(bytes);
    const compressed = smaller.length < bytes.length;
    const sealed = sealPiece(keys, { holderId, piece }, { bytes: compressed ? smaller : bytes, compressed });
    return { piece, sealed, digest };
  }

  async #write(prepared: Prepared): Promise<void> {
    if ("zero" in prepared) return;
    if ("same" in prepared) {
      this.entries.push(prepared.same);
      return;
    }
    const { piece, sealed, digest } = prepared;
    const { writer, holder } = this.#options;
    await writer.append(sealed);
    this.entries.push({ piece, holder, offset: this.storedBytes, length: sealed.length, digest });
    this.storedBytes += sealed.length;
    this.pieces += 1;
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.length > 0 && bytes[0] === 0 && bytes.compare(bytes, 1, bytes.length, 0, bytes.length - 1) === 0;
}

/** Writes what a backup holds to the server at the socket, whose export is zeroes. */
export async function restoreBackup(
  driver: BackupDriver,
  work: RestoreWork,
  tell: (progress: Progress) => void,
): Promise<void> {
  const { backupId } = work;
  const keys = backupKeys(work.key);
  const { header, entries } = decodeManifest(keys, await driver.readManifest(backupId), backupId);
  const client = await connectNbd({ socketPath: work.socketPath, exportName: EXPORT_NAME });
  const readers = new Map<string, PieceReader>();
  try {
    if (client.sizeBytes < header.sizeBytes) throw invalid(`Backup ${backupId} is larger than the volume`);
    const underWay: Promise<void>[] = [];
    let done = 0;
    for (const entry of entries) {
      const holderId = header.chain[entry.holder];
      if (holderId === undefined) throw damaged(backupId);
      // eslint-disable-next-line no-await-in-loop
      const reader = readers.get(holderId) ?? (await driver.openPieces(holderId));
      readers.set(holderId, reader);
      const restoring = restorePiece({ client, keys, reader, header, holderId, entry });
      restoring.catch(() => undefined);
      underWay.push(restoring);
      if (underWay.length < DEPTH) continue;
      // eslint-disable-next-line no-await-in-loop
      await underWay.shift();
      done += 1;
      tell({ progress: Math.floor((100 * done) / entries.length), storedBytes: 0, pieces: done });
    }
    await Promise.all(underWay);
    await client.flush();
  } finally {
    await client.close();
    await Promise.all([...readers.values()].map((reader) => reader.close()));
  }
}

async function restorePiece(options: {
  client: NbdClient;
  keys: BackupKeys;
  reader: PieceReader;
  header: BackupHeader;
  holderId: string;
  entry: BackupEntry;
}): Promise<void> {
  const { client, keys, reader, header, holderId, entry } = options;
  const { piece, offset, length, digest } = entry;
  const content = openPiece(keys, { holderId, piece }, await reader.read(offset, length));
  const bytes = content.compressed
    ? await decompress(content.bytes, { maxOutputLength: header.pieceBytes })
    : content.bytes;
  const at = piece * header.pieceBytes;
  if (!digestOf(keys, bytes).equals(digest) || at + bytes.length > header.sizeBytes) throw damaged(holderId);
  await client.write(at, bytes);
}
