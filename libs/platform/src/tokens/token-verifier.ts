/**
 * Whose token is this? Answered from memory: the signature is checked once per token and kept by the token's hash,
 * and revocations are followed (rows in the database; NOTIFY for speed; a poll twice a second because a notification
 * may get lost). No request waits for the database here.
 */
import { hash } from "node:crypto";

import type { Clock } from "@andromede/base/clock";
import { unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { Database } from "../db/database.ts";
import type { Actor, TokenVerifier } from "./actor.ts";
import type { KeyTree } from "../keys/key-tree.ts";
import { RevocationSet } from "./revocation-set.ts";
import { deleteExpiredRevocations, listRevocationsAfter } from "./revocation.queries.ts";
import { RecentlyUsed } from "./token-cache.ts";
import { decodeToken, encodeToken } from "./token-format.ts";
import { type TokenContents, toActor } from "./token.model.ts";

const CACHED_TOKENS = 4_096;
const POLL_MS = 500;
const PRUNE_MS = 60_000;
/** Revocations not seen for this long while the database does not answer: better no answer than a wrong one. */
const STALE_MS = 5_000;

/** A token that was found to be ours, and what is worth keeping with it. */
export type KnownToken = {
  contents: TokenContents;
  actor: Actor;
  /** Bodies of `GET /v3/auth/tokens`, by base URL: built once. */
  bodies: Map<string, string>;
};

/** The verifier, and what only Identity does with tokens. */
export type TokenAuthority = TokenVerifier & {
  /** Signs. */
  issue(contents: TokenContents): string;
  /** As `verify`, with everything the token says. */
  read(token: string, nowMs: number): KnownToken | null;
  /** Resolves when every revocation committed before the call is in force in this process. */
  refresh(): Promise<void>;
};

type Entry = KnownToken & { key: string; endsAtMs: number; checkedAt: number };

export async function startTokenVerifier(options: {
  /** No token lives longer, whatever it says. */
  lifetimeMs: number;
  db: Database;
  keys: KeyTree;
  clock: Clock;
  log: Logger;
}): Promise<TokenAuthority & { stop(): Promise<void> }> {
  const { lifetimeMs, db, keys, clock, log } = options;
  const revocations = new RevocationSet();
  const follower = new RevocationFollower(db, revocations, clock, log);
  await follower.start();
  const cache = new RecentlyUsed<Entry>(CACHED_TOKENS);

  const open = (token: string, key: string): Entry | null => {
    const contents = decodeToken(keys, token);
    if (contents === null) return null;
    // the lifetime may have been shortened since: revocations are kept for today's only
    const endsAtMs = Math.min(contents.expiresAtMs, contents.issuedAtMs + lifetimeMs);
    const entry: Entry = { key, contents, actor: toActor(contents), bodies: new Map(), endsAtMs, checkedAt: -1 };
    cache.set(key, entry);
    return entry;
  };
  const read = (token: string, nowMs: number): Entry | null => {
    const key = hash("sha256", token, "base64");
    const entry = cache.get(key) ?? open(token, key);
    if (entry === null) return null;
    follower.assertFresh();
    const ended = entry.endsAtMs <= nowMs;
    if (ended || (entry.checkedAt !== revocations.newest && revocations.revokes(entry.contents))) {
      cache.delete(key);
      return null;
    }
    entry.checkedAt = revocations.newest;
    return entry;
  };

  return {
    issue: (contents) => encodeToken(keys, contents),
    read,
    verify: (token, nowMs) => read(token, nowMs)?.actor ?? null,
    refresh: () => follower.refresh(),
    stop: () => follower.stop(),
  };
}

/** Keeps the set in step with the database for as long as the program runs. */
class RevocationFollower {
  readonly #db: Database;
  readonly #set: RevocationSet;
  readonly #clock: Clock;
  readonly #log: Logger;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #unlisten: (() => Promise<void>) | undefined;
  /** null while the last read succeeded. */
  #failingSince: number | null = null;
  #prunedAt = performance.now();

  constructor(db: Database, set: RevocationSet, clock: Clock, log: Logger) {
    this.#db = db;
    this.#set = set;
    this.#clock = clock;
    this.#log = log;
  }

  async start(): Promise<void> {
    const wake = (): void => void this.refresh().catch(() => undefined); // a failure is logged and counted where it happens
    // a connection that came back may have missed news: `wake` is also told of every (re)connection
    const listening = await this.#db.listen("revocation", wake, wake);
    this.#unlisten = () => listening.unlisten();
    await this.refresh();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#unlisten?.();
    await this.#running?.catch(() => undefined);
  }

  /** One read at a time; who asks while one is under way gets the next, which sees what the first may have missed. */
  refresh(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  assertFresh(): void {
    if (this.#failingSince === null || this.#clock.now() - this.#failingSince < STALE_MS) return;
    throw unavailable("Tokens cannot be checked for revocation at the moment");
  }

  #begin(): Promise<void> {
    this.#running = this.#load().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #load(): Promise<void> {
    try {
      for (const row of await listRevocationsAfter(this.#db, this.#set.newest)) {
        this.#set.add(row.number, row.subject, row.expiresAt.getTime());
      }
      this.#failingSince = null;
    } catch (error) {
      if (this.#failingSince === null) this.#log.warn({ error }, "revocations cannot be read");
      this.#failingSince ??= this.#clock.now();
      throw error;
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#poll().finally(() => this.#schedule());
    }, POLL_MS);
    this.#timer.unref();
  }

  async #poll(): Promise<void> {
    try {
      await this.refresh();
      if (performance.now() - this.#prunedAt < PRUNE_MS) return;
      this.#prunedAt = performance.now();
      this.#set.prune(this.#clock.now());
      await deleteExpiredRevocations(this.#db, this.#clock.now());
    } catch (error) {
      if (this.#failingSince === null) this.#log.warn({ error }, "revocations were not pruned");
    }
  }
}
