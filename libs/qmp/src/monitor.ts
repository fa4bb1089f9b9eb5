/**
 * One connection to a QEMU Machine Protocol socket: greeting, capabilities, commands matched to replies by id, events.
 *
 * A monitor lives as long as its socket. It does not reconnect: QEMU closes the socket when it exits, which is how a
 * guest's end is noticed, and QEMU serves one client at a time, so a second monitor on a socket waits for the first.
 * Facts: QEMU's docs/interop/qmp-spec.rst.
 */
import { type Socket, createConnection } from "node:net";

import { unavailable } from "@andromede/base/errors";
import { isObject } from "@andromede/base/json";

/** What QEMU says by itself, e.g. `SHUTDOWN`, `DEVICE_DELETED`. */
export type QmpEvent = { name: string; data: { [key: string]: unknown }; atMs: number };

/** QEMU's refusal of a command. `errorClass` is QEMU's, e.g. `GenericError`, `DeviceNotFound`, `CommandNotFound`. */
export class QmpError extends Error {
  readonly command: string;
  readonly errorClass: string;

  constructor(command: string, errorClass: string, description: string) {
    super(`${command}: ${description}`);
    this.name = "QmpError";
    this.command = command;
    this.errorClass = errorClass;
  }
}

export type QmpMonitor = {
  /** QEMU's version, e.g. "10.0.13". */
  readonly version: string;
  /** Runs a command; throws QmpError if QEMU refuses it, `unavailable` if the connection breaks or time runs out. */
  execute(command: string, args?: { [name: string]: unknown }, options?: { timeoutMs?: number }): Promise<unknown>;
  /** Calls the listener for each event. Returns the way to stop it. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
  /** Resolves with the first event that fits; MUST be called before the command that causes it. */
  nextEvent(fits: (event: QmpEvent) => boolean, timeoutMs: number): Promise<QmpEvent>;
  /** Resolves when the connection is no more, whoever closed it. */
  readonly closed: Promise<void>;
  close(): void;
};

type Pending = {
  command: string;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
};

/** A line longer than this is not QMP. */
const MAX_LINE = 64 * 1024 * 1024;
const COMMAND_TIMEOUT_MS = 20_000;

/** Connects and negotiates. Rejects when nothing listens, or the greeting does not come within `timeoutMs`. */
export function connectMonitor(socketPath: string, options: { timeoutMs: number }): Promise<QmpMonitor> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    const timer = setTimeout(() => {
      socket.destroy(unavailable(`no QMP greeting on ${socketPath} within ${options.timeoutMs} ms`));
    }, options.timeoutMs);
    const failed = (error?: Error): void => {
      clearTimeout(timer);
      reject(error ?? unavailable(`${socketPath} was closed before its QMP greeting`));
    };
    socket.once("error", failed);
    socket.once("close", () => failed());
    const monitor = new Monitor(socket, () => {
      monitor.execute("qmp_capabilities", {}, { timeoutMs: options.timeoutMs }).then(() => {
        clearTimeout(timer);
        socket.off("error", failed);
        resolve(monitor);
      }, failed);
    });
  });
}

class Monitor implements QmpMonitor {
  version = "";
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #greeted: () => void;
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #over = false;
  #rest = "";

  constructor(socket: Socket, greeted: () => void) {
    this.#socket = socket;
    this.#greeted = greeted;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#received(chunk));
    // The reason of a break is of no use to callers: they look at the process.
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#over = true;
        for (const { command, reject, timer } of this.#pending.values()) {
          clearTimeout(timer);
          reject(unavailable(`QEMU closed the connection during ${command}`));
        }
        this.#pending.clear();
        resolve();
      });
    });
  }

  execute(
    command: string,
    args: { [name: string]: unknown } = {},
    options: { timeoutMs?: number } = {},
  ): Promise<unknown> {
    if (this.#over) return Promise.reject(unavailable(`QEMU is gone: ${command} not sent`));
    this.#lastId += 1;
    const id = this.#lastId;
    const timeoutMs = options.timeoutMs ?? COMMAND_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(unavailable(`QEMU did not answer ${command} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { command, resolve, reject, timer });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  nextEvent(fits: (event: QmpEvent) => boolean, timeoutMs: number): Promise<QmpEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        forget();
        reject(unavailable(`QEMU did not send the awaited event within ${timeoutMs} ms`));
      }, timeoutMs);
      const forget = this.onEvent((event) => {
        if (!fits(event)) return;
        clearTimeout(timer);
        forget();
        resolve(event);
      });
      void this.closed.then(() => {
        clearTimeout(timer);
        forget();
        reject(unavailable("QEMU exited before the awaited event"));
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_LINE) {
      this.#socket.destroy();
      return;
    }
    for (const line of lines) {
      const text = line.trim();
      if (text !== "" && !this.#message(text)) {
        // A peer that does not speak JSON is not QEMU: nothing that it says later can be trusted to be in order.
        this.#socket.destroy();
        return;
      }
    }
  }

  #message(text: string): boolean {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return false;
    }
    if (!isObject(message)) return false;
    if (isObject(message["QMP"])) {
      this.version = versionOf(message["QMP"]);
      this.#greeted();
    } else if (typeof message["event"] === "string") {
      this.#event(message["event"], message);
    } else {
      this.#reply(message);
    }
    return true;
  }

  #event(name: string, message: { [key: string]: unknown }): void {
    const stamp = isObject(message["timestamp"]) ? message["timestamp"] : {};
    const atMs = Number(stamp["seconds"] ?? 0) * 1000 + Number(stamp["microseconds"] ?? 0) / 1000;
    const event: QmpEvent = { name, data: isObject(message["data"]) ? message["data"] : {}, atMs };
    // A listener may remove itself: a Set's iteration stands that.
    for (const listener of this.#listeners) listener(event);
  }

  #reply(message: { [key: string]: unknown }): void {
    const id = message["id"];
    const pending = typeof id === "number" ? this.#pending.get(id) : undefined;
    if (pending === undefined || typeof id !== "number") return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    const { error } = message;
    if (isObject(error)) {
      pending.reject(new QmpError(pending.command, String(error["class"]), String(error["desc"])));
    } else {
      pending.resolve(message["return"]);
    }
  }
}

function versionOf(greeting: { [key: string]: unknown }): string {
  const version = isObject(greeting["version"]) ? greeting["version"] : {};
  const qemu = isObject(version["qemu"]) ? version["qemu"] : {};
  return [qemu["major"], qemu["minor"], qemu["micro"]].map(String).join(".");
}
