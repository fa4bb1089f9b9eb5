/**
 * A client of one OVSDB database (RFC 7047): keeps an in-memory copy of the tables it was told to monitor, sends
 * guarded transactions, and reconnects by itself for as long as it lives.
 *
 * - `ready()` MUST be awaited before the copy is read: it resolves only once the whole snapshot is in (again, after a
 *   reconnection). While the way to the server is lost the copy is old, `synchronized` is false and `transact` refuses.
 * - The server sends the update that a transaction causes before the transaction's reply, so when `transact` resolves,
 *   its effect is in the copy.
 * - A transaction whose reply was lost with the connection may or may not have happened (`connectionLost`): callers
 *   MUST be idempotent, and are, since they compare with the copy first.
 * - With `leaderOnly` (clustered databases), followers are left alone; `address` may name several servers, by comma.
 */
import { messageOf } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import { isObject } from "@andromede/base/json";

import { Connection, type TlsFiles } from "./connection.ts";
import { OvsdbError } from "./errors.ts";
import { type AnyChange, Replica, type Shape, type TableReplica } from "./replica.ts";
import { type AnyCondition, type AnyOperation, decodeResults, encodeConditions, encodeOperation } from "./transact.ts";
import type { Change, Database, MonitorSpec, MonitoredRow, Operation, OperationResult } from "./types.ts";
import { type DatabaseSchema, type TableColumns, parseSchema } from "./values.ts";

export type { RowIndex, TableReplica } from "./replica.ts";
export type { TlsFiles } from "./connection.ts";

/** Rows of the monitored tables, by table name. */
export type Monitored<Db, Spec extends MonitorSpec<Db>> = {
  [Table in keyof Spec & keyof Db]: MonitoredRow<Db, Spec, Table>;
};

/** A connection to a database, its copy, and the way to change it. */
export type OvsdbClient<Db, Spec extends MonitorSpec<Db> = MonitorSpec<Db>> = {
  /** Is the copy whole and fed at this moment? */
  readonly synchronized: boolean;
  /** Resolves when the copy is whole; rejects when the client is closed, or after `timeoutMs`. */
  ready(timeoutMs?: number): Promise<void>;
  /** The copy of a monitored table. The object stays the same for the client's life. */
  table<Table extends keyof Spec & keyof Db & string>(name: Table): TableReplica<MonitoredRow<Db, Spec, Table>>;
  /** Sends one atomic transaction. Never waits for a connection: refuses with `connectionLost` when there is none. */
  transact(operations: readonly Operation<Db>[]): Promise<OperationResult[]>;
  /** Calls the listener after each batch of changes, the first snapshot included. Returns the way to stop it. */
  onChange(listener: (changes: readonly Change<Monitored<Db, Spec>>[]) => void): () => void;
  /** The same as an iteration; ends with the client or the signal. */
  changes(signal?: AbortSignal): AsyncIterable<readonly Change<Monitored<Db, Spec>>[]>;
  close(): void;
};

/** Where the database is and what of it to keep. */
export type OvsdbOptions<Db, Spec extends MonitorSpec<Db>> = {
  /** `unix:/path`, `tcp:host:port` or `ssl:host:port`; several, separated by commas, for a cluster. */
  address: string;
  database: Database<Db>;
  monitor: Spec;
  log: Logger;
  leaderOnly?: boolean;
  tls?: TlsFiles;
  /** Longest pause between two attempts to connect. */
  maxBackoffMs?: number;
  probeIntervalMs?: number;
  connectTimeoutMs?: number;
};

/** Starts a client. It connects in the background: await `ready()`. */
export function connectOvsdb<Db, const Spec extends MonitorSpec<Db>>(
  options: OvsdbOptions<Db, Spec>,
): OvsdbClient<Db, Spec> {
  // Inside, types of the database are forgotten; the signature above is what keeps callers straight.
  return new Client(options as unknown as AnyOptions) as unknown as OvsdbClient<Db, Spec>;
}

type AnyTableSpec = { readonly columns?: readonly string[]; readonly where?: readonly AnyCondition[] };
type AnyOptions = Omit<OvsdbOptions<object, object>, "database" | "monitor"> & {
  database: string;
  monitor: { readonly [table: string]: AnyTableSpec };
};
type Live = { connection: Connection; schema: DatabaseSchema; shape: Shape };
type Listener = (changes: readonly AnyChange[]) => void;

const ZERO_TRANSACTION = "00000000-0000-0000-0000-000000000000";
const FIRST_BACKOFF_MS = 50;

class Client {
  readonly #options: AnyOptions;
  readonly #addresses: readonly string[];
  readonly #replica = new Replica();
  readonly #listeners = new Set<Listener>();
  readonly #waiting = new Set<{ resolve: () => void; reject: (error: OvsdbError) => void }>();
  readonly #stop = new AbortController();
  #connection: Connection | undefined;
  #live: Live | undefined;
  #lastTransaction = ZERO_TRANSACTION;
  #attempts = 0;
  #retry: NodeJS.Timeout | undefined;
  #lastProblem: string | undefined;

  constructor(options: AnyOptions) {
    this.#options = options;
    this.#addresses = options.address.split(",").map((address) => address.trim());
    void this.#connect();
  }

  get synchronized(): boolean {
    return this.#live !== undefined;
  }

  ready(timeoutMs?: number): Promise<void> {
    if (this.#live !== undefined) return Promise.resolve();
    if (this.#stop.signal.aborted) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = {
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error: OvsdbError) => {
          clearTimeout(timer);
          this.#waiting.delete(settle);
          reject(error);
        },
      };
      if (timeoutMs !== undefined) {
        timer = setTimeout(() => {
          const problem = this.#lastProblem ?? "still loading";
          settle.reject(
            new OvsdbError("connectionLost", `${this.#options.database} not ready after ${timeoutMs} ms: ${problem}`),
          );
        }, timeoutMs);
      }
      this.#waiting.add(settle);
    });
  }

  table(name: string): unknown {
    return this.#replica.table(name);
  }

  async transact(operations: readonly AnyOperation[]): Promise<OperationResult[]> {
    const live = this.#live;
    if (live === undefined) throw new OvsdbError("connectionLost", `not connected to ${this.#options.database}`);
    const encoded = operations.map((operation) => encodeOperation(live.schema, operation));
    const reply = await live.connection.request("transact", [this.#options.database, ...encoded]);
    return decodeResults(live.schema, operations, reply);
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async *changes(signal?: AbortSignal): AsyncGenerator<readonly AnyChange[]> {
    const end = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const queue: (readonly AnyChange[])[] = [];
    let wake: () => void = () => undefined;
    const forget = this.onChange((changes) => {
      queue.push(changes);
      wake();
    });
    const onEnd = (): void => wake();
    end.addEventListener("abort", onEnd);
    try {
      while (!end.aborted) {
        const next = queue.shift();
        if (next !== undefined) {
          yield next;
          continue;
        }
        // The queue fills while nobody listens; only an empty one is waited for.
        // eslint-disable-next-line no-await-in-loop
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      forget();
      end.removeEventListener("abort", onEnd);
    }
  }

  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    clearTimeout(this.#retry);
    const reason = closedError();
    for (const waiting of this.#waiting) waiting.reject(reason);
    this.#connection?.close(reason);
    this.#live = undefined;
  }

  async #connect(): Promise<void> {
    const address = this.#addresses[this.#attempts % this.#addresses.length] ?? "";
    this.#attempts += 1;
    let connection: Connection | undefined;
    // Updates may come right behind the snapshot's reply, before the code that awaits it runs: they are kept in order here.
    let early: [string, unknown[]][] | undefined = [];
    let over = false;
    const lost = (reason: OvsdbError): void => {
      if (over) return;
      over = true;
      this.#live = undefined;
      this.#retryLater(address, reason);
    };
    try {
      connection = await Connection.open(
        {
          address,
          tls: this.#options.tls,
          connectTimeoutMs: this.#options.connectTimeoutMs ?? 5_000,
          probeIntervalMs: this.#options.probeIntervalMs ?? 5_000,
          signal: this.#stop.signal,
        },
        {
          onNotification: (method, params) => {
            if (early === undefined) this.#notified(method, params);
            else early.push([method, params]);
          },
          onClose: lost,
        },
      );
      this.#connection = connection;
      this.#live = await this.#load(connection);
      const kept = early;
      early = undefined;
      for (const [method, params] of kept) this.#notified(method, params);
      if (over) return;
      this.#attempts = 0;
      this.#lastProblem = undefined;
      for (const waiting of this.#waiting) waiting.resolve();
      this.#waiting.clear();
    } catch (error) {
      const reason =
        error instanceof OvsdbError ? error : new OvsdbError("connectionLost", messageOf(error), { cause: error });
      if (connection === undefined) lost(reason);
      else connection.close(reason);
    }
  }

  /** Schema, leadership, then the whole snapshot (or what was missed, where the server remembers). */
  async #load(connection: Connection): Promise<Live> {
    const { database } = this.#options;
    if (this.#options.leaderOnly === true) await requireLeader(connection, database);
    const schema = parseSchema(await connection.request("get_schema", [database]));
    const shape = shapeOf(schema, this.#options.monitor);
    const requests: { [table: string]: unknown[] } = {};
    for (const [table, columns] of shape) {
      const where = this.#options.monitor[table]?.where;
      const conditions =
        where === undefined ? {} : { where: encodeConditions(schema.tables.get(table) ?? columns, where) };
      requests[table] = [{ columns: [...columns.keys()], ...conditions }];
    }
    let changes: AnyChange[];
    try {
      const reply = await connection.request("monitor_cond_since", [
        database,
        database,
        requests,
        this.#lastTransaction,
      ]);
      const [found, lastTransaction, updates] = Array.isArray(reply) ? (reply as unknown[]) : [];
      changes = found === true ? this.#replica.update(shape, updates) : this.#replica.replace(shape, updates);
      this.#lastTransaction = String(lastTransaction);
    } catch (error) {
      if (!(error instanceof OvsdbError) || !error.detail.includes("unknown method")) throw error;
      changes = this.#replica.replace(shape, await connection.request("monitor_cond", [database, database, requests]));
    }
    this.#tell(changes);
    return { connection, schema, shape };
  }

  #notified(method: string, params: unknown[]): void {
    const live = this.#live;
    if (live === undefined) return;
    if (method === "update3") {
      // Should the update not fit, the next connection starts from nothing.
      this.#lastTransaction = ZERO_TRANSACTION;
      const changes = this.#replica.update(live.shape, params[2]);
      this.#lastTransaction = String(params[1]);
      this.#tell(changes);
    } else if (method === "update2") {
      if (params[0] === LEADERSHIP) checkLeader(live.connection, this.#options.database, params[1]);
      else this.#tell(this.#replica.update(live.shape, params[1]));
    }
  }

  #tell(changes: AnyChange[]): void {
    if (changes.length === 0) return;
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (error) {
        this.#options.log.error({ error, database: this.#options.database }, "a listener of database changes failed");
      }
    }
  }

  #retryLater(address: string, reason: OvsdbError): void {
    if (this.#stop.signal.aborted) return;
    const { log, database } = this.#options;
    if (this.#lastProblem !== reason.detail)
      log.warn({ error: reason, address, database }, "database connection lost, will retry");
    this.#lastProblem = reason.detail;
    const rounds = Math.floor(this.#attempts / this.#addresses.length);
    const ceiling = Math.min(this.#options.maxBackoffMs ?? 2_000, FIRST_BACKOFF_MS * 2 ** rounds);
    // Jitter, so that all clients of a restarted server do not come back at once.
    this.#retry = setTimeout(() => void this.#connect(), ceiling * (0.5 + Math.random() / 2));
  }
}

const closedError = (): OvsdbError => new OvsdbError("connectionLost", "the client is closed");

function shapeOf(schema: DatabaseSchema, monitor: AnyOptions["monitor"]): Shape {
  const shape = new Map<string, TableColumns>();
  for (const [table, { columns: wanted }] of Object.entries(monitor)) {
    const all = schema.tables.get(table);
    if (all === undefined) throw new OvsdbError("other", `the server's schema has no table ${table}`);
    const missing = wanted?.find((column) => !all.has(column));
    if (missing !== undefined) throw new OvsdbError("other", `the server's table ${table} has no column ${missing}`);
    shape.set(table, new Map([...all].filter(([column]) => column !== "_uuid" && (wanted?.includes(column) ?? true))));
  }
  return shape;
}

const LEADERSHIP = "leadership";

/** Refuses a follower of a clustered database, and watches for the day this leader is no more (ovsdb-server(5), `_Server`). */
async function requireLeader(connection: Connection, database: string): Promise<void> {
  const request = {
    Database: [{ columns: ["name", "model", "connected", "leader"], where: [["name", "==", database]] }],
  };
  const reply = await connection.request("monitor_cond", ["_Server", LEADERSHIP, request]);
  const rows = isObject(reply) && isObject(reply["Database"]) ? Object.values(reply["Database"]) : [];
  const row = rows.map((update) => (isObject(update) ? update["initial"] : undefined)).find(isObject);
  if (row === undefined) throw new OvsdbError("other", `the server has no database ${database}`);
  if (row["model"] === "clustered" && (row["leader"] !== true || row["connected"] !== true)) {
    throw new OvsdbError("notLeader", `this server does not lead ${database}`);
  }
}

function checkLeader(connection: Connection, database: string, updates: unknown): void {
  const rows = isObject(updates) && isObject(updates["Database"]) ? Object.values(updates["Database"]) : [];
  for (const update of rows) {
    const row = isObject(update) && isObject(update["modify"]) ? update["modify"] : {};
    if (row["leader"] === false || row["connected"] === false) {
      connection.close(new OvsdbError("notLeader", `this server no longer leads ${database}`));
    }
  }
}
