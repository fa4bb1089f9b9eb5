/**
 * One JSON-RPC connection to an ovsdb-server: requests are pipelined, answers matched by id, echoes answered and
 * sent. A connection lives once; reconnecting is the client's business.
 */
import { readFileSync } from "node:fs";
import { type Socket, connect as connectSocket } from "node:net";
import { connect as connectTls } from "node:tls";

import { isObject, parseJson } from "@andromede/base/json";

import { OvsdbError, fromServerError } from "./errors.ts";
import { jsonSplitter } from "./framing.ts";

/** Files of the client's identity, for `ssl:` addresses. */
export type TlsFiles = { keyFile: string; certFile: string; caFile: string };

type Pending = { resolve: (result: unknown) => void; reject: (error: OvsdbError) => void };
type Handlers = {
  onNotification: (method: string, params: unknown[]) => void;
  onClose: (reason: OvsdbError) => void;
};

function openSocket(address: string, tls: TlsFiles | undefined): Socket {
  const colon = address.indexOf(":");
  const method = address.slice(0, colon);
  const rest = address.slice(colon + 1);
  if (method === "unix") return connectSocket({ path: rest });
  const portColon = rest.lastIndexOf(":");
  const host = rest.slice(0, portColon).replace(/^\[(.*)\]$/, "$1");
  const port = Number(rest.slice(portColon + 1));
  if (portColon < 1 || !Number.isInteger(port)) throw new OvsdbError("other", `not an OVSDB address: ${address}`);
  if (method === "tcp") return connectSocket({ host, port, noDelay: true });
  if (method === "ssl" && tls !== undefined) {
    // Certificates of OVN databases carry no host names; what counts is that our own CA signed them.
    return connectTls({
      host,
      port,
      key: readFileSync(tls.keyFile),
      cert: readFileSync(tls.certFile),
      ca: readFileSync(tls.caFile),
      checkServerIdentity: () => undefined,
    });
  }
  throw new OvsdbError("other", `not an OVSDB address (or TLS files are missing): ${address}`);
}

export class Connection {
  readonly #socket: Socket;
  readonly #handlers: Handlers;
  readonly #pending = new Map<number, Pending>();
  readonly #probe: NodeJS.Timeout;
  #nextId = 1;
  #heard = true;
  #silentProbes = 0;
  #closed = false;

  private constructor(socket: Socket, handlers: Handlers, probeIntervalMs: number) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#probe = setInterval(() => this.#keepAlive(), probeIntervalMs);
    this.#probe.unref();
    const split = jsonSplitter((text) => this.#receive(text));
    socket.on("data", (chunk: Buffer) => {
      this.#heard = true;
      try {
        split(chunk);
      } catch (cause) {
        this.close(new OvsdbError("connectionLost", "the database server talks nonsense", { cause }));
      }
    });
    socket.on("error", (cause) => this.close(new OvsdbError("connectionLost", "connection failed", { cause })));
    socket.on("close", () => this.close(new OvsdbError("connectionLost", "the database server closed the connection")));
  }

  /** Connects to `unix:/path`, `tcp:host:port` or `ssl:host:port`. */
  static open(
    options: {
      address: string;
      tls: TlsFiles | undefined;
      connectTimeoutMs: number;
      probeIntervalMs: number;
      signal: AbortSignal;
    },
    handlers: Handlers,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = openSocket(options.address, options.tls);
      const fail = (cause: Error): void => {
        socket.destroy();
        options.signal.removeEventListener("abort", onAbort);
        reject(new OvsdbError("connectionLost", `cannot connect to ${options.address}`, { cause }));
      };
      socket.setTimeout(options.connectTimeoutMs, () => fail(new Error("no answer in time")));
      socket.once("error", fail);
      const onAbort = (): void => fail(new Error("closed"));
      options.signal.addEventListener("abort", onAbort);
      socket.once(options.address.startsWith("ssl:") ? "secureConnect" : "connect", () => {
        socket.setTimeout(0);
        socket.off("error", fail);
        options.signal.removeEventListener("abort", onAbort);
        resolve(new Connection(socket, handlers, options.probeIntervalMs));
      });
    });
  }

  /** Sends a request; the answer's `error` becomes a typed error. */
  request(method: string, params: unknown[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(new OvsdbError("connectionLost", "not connected to the database server"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.write(JSON.stringify({ method, params, id }));
    });
  }

  close(reason: OvsdbError): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#probe);
    this.#socket.destroy();
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    this.#handlers.onClose(reason);
  }

  /** Two probes in a row without a byte from the other side: it is dead. */
  #keepAlive(): void {
    if (this.#heard) {
      this.#heard = false;
      this.#silentProbes = 0;
      return;
    }
    this.#silentProbes += 1;
    if (this.#silentProbes > 2) {
      this.close(new OvsdbError("connectionLost", "the database server fell silent"));
    } else {
      this.#socket.write(JSON.stringify({ method: "echo", params: [], id: "echo" }));
    }
  }

  #receive(text: string): void {
    const message = parseJson(text, "a message of the database server");
    if (!isObject(message)) return;
    const { method, params, id } = message;
    if (typeof method === "string") {
      const list = Array.isArray(params) ? (params as unknown[]) : [];
      if (method === "echo") this.#socket.write(JSON.stringify({ id, result: list, error: null }));
      else this.#handlers.onNotification(method, list);
      return;
    }
    if (typeof id !== "number") return;
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    const error = message["error"];
    if (error === null || error === undefined) pending.resolve(message["result"]);
    else pending.reject(toError(error));
  }
}

function toError(error: unknown): OvsdbError {
  if (typeof error === "string") return fromServerError(error, undefined);
  if (isObject(error) && typeof error["error"] === "string") {
    const details = error["details"];
    return fromServerError(error["error"], typeof details === "string" ? details : undefined);
  }
  return fromServerError(JSON.stringify(error), undefined);
}
