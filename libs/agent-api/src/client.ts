import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { text } from "node:stream/consumers";

import { CloudError, type ErrorKind, unavailable } from "@andromede/base/errors";
import { request } from "@andromede/base/node-http";

import type {
  BackupReport,
  BackupSpec,
  ExportReport,
  ExportSpec,
  GuestDiagnostics,
  GuestReport,
  GuestSpec,
  HostFacts,
  Report,
  VolumeReport,
  VolumeSpec,
} from "./types.ts";

/** The control plane's side of the contract in types.ts. One per host; keeps connections alive. */
export type AgentClient = {
  host(): Promise<HostFacts>;
  guests(): Promise<GuestReport[]>;
  putGuest(spec: GuestSpec): Promise<GuestReport>;
  /** null when the agent knows no such guest. */
  getGuest(id: string): Promise<GuestReport | null>;
  /** false when it is gone: it was already, or went before the agent answered. */
  deleteGuest(id: string, generation: number): Promise<boolean>;
  rebootGuest(id: string, kind: "soft" | "hard", nonce: string): Promise<void>;
  consoleText(id: string, lines: number | undefined): Promise<string>;
  /** A conflict when no agent answers in the guest, or it refuses. `password`: as it is typed. */
  setPassword(id: string, user: string, password: string): Promise<void>;
  injectNmi(id: string): Promise<void>;
  diagnostics(id: string): Promise<GuestDiagnostics>;
  openStream(id: string, stream: "vnc" | "serial"): Promise<Duplex>;
  /** Yields reports until the connection breaks (then throws) or `signal` aborts. */
  reports(signal: AbortSignal): AsyncIterable<Report>;
  dropImage(id: string): Promise<void>;
  putVolume(spec: VolumeSpec): Promise<VolumeReport>;
  /** null when the agent was told nothing of it since it started. */
  getVolume(id: string): Promise<VolumeReport | null>;
  /** false when it is gone: it was already, or went before the agent answered. A conflict while a guest has it open. */
  deleteVolume(id: string, generation: number): Promise<boolean>;
  putBackup(spec: BackupSpec): Promise<BackupReport>;
  getBackup(id: string): Promise<BackupReport | null>;
  deleteBackup(id: string): Promise<void>;
  putExport(spec: ExportSpec): Promise<ExportReport>;
  getExport(id: string): Promise<ExportReport | null>;
  /** The bytes of an export that is ready. Whoever calls reads them to their end, or destroys the stream. */
  openExport(id: string): Promise<{ sizeBytes: number; data: Readable }>;
  deleteExport(id: string): Promise<void>;
};

/** How long an agent may say nothing before it counts as gone. It tells everything it sees every 30 s. */
export type Patience = { answerMs?: number; reportMs?: number };
const ANSWER_MS = 30_000;
const REPORT_MS = 75_000;
/** A report of ten thousand guests is some ten megabytes: a longer line is not one. */
const MAX_LINE_CHARS = 64 * 1024 * 1024;

type Transport = {
  send: (method: string, path: string, body?: unknown, silenceMs?: number) => Promise<IncomingMessage>;
  read: (response: IncomingMessage) => Promise<string>;
  call: <T>(method: string, path: string, body?: unknown) => Promise<T>;
};

function transportTo(socketPath: string, answerMs: number): Transport {
  function send(method: string, path: string, body?: unknown, silenceMs = answerMs): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const outgoing = request({
        socketPath,
        method,
        path,
        headers:
          payload === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) },
      });
      outgoing.once("response", resolve);
      outgoing.once("error", (cause) => reject(noAnswer(cause)));
      endSilence(outgoing, { socketPath, ms: silenceMs });
      outgoing.end(payload);
    });
  }

  const read = (response: IncomingMessage): Promise<string> =>
    text(response).catch((cause: unknown) => {
      throw noAnswer(cause);
    });

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await send(method, path, body);
    const payload = await read(response);
    const status = response.statusCode ?? 500;
    if (status < 300) return (payload === "" ? undefined : JSON.parse(payload)) as T;
    throw toError(status, payload);
  }
  return { send, read, call };
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CloudError && error.kind === "notFound") return null;
    throw error;
  }
}

/** `socketPath`: the agent's unix socket. */
export function createAgentClient(socketPath: string, patience: Patience = {}): AgentClient {
  const { answerMs = ANSWER_MS, reportMs = REPORT_MS } = patience;
  const { send, read, call } = transportTo(socketPath, answerMs);
  const guest = (id: string): string => `/v1/guests/${encodeURIComponent(id)}`;

  const at = (kind: "volumes" | "backups" | "exports", id: string): string => `/v1/${kind}/${encodeURIComponent(id)}`;

  const storage = {
    putVolume: (spec) => call("PUT", at("volumes", spec.id), spec),
    getVolume: (id) => orNull(call<VolumeReport>("GET", at("volumes", id))),
    deleteVolume: async (id, generation) => {
      const report = await orNull(call<VolumeReport>("DELETE", `${at("volumes", id)}?generation=${generation}`));
      return report !== null && report.gone !== true;
    },
    putBackup: (spec) => call("PUT", at("backups", spec.id), spec),
    getBackup: (id) => orNull(call<BackupReport>("GET", at("backups", id))),
    deleteBackup: (id) => call("DELETE", at("backups", id)),
    putExport: (spec) => call("PUT", at("exports", spec.id), spec),
    getExport: (id) => orNull(call<ExportReport>("GET", at("exports", id))),
    openExport: async (id) => {
      const response = await send("GET", `${at("exports", id)}/data`);
      const status = response.statusCode ?? 500;
      if (status >= 300) throw toError(status, await read(response));
      return { sizeBytes: Number(response.headers["content-length"]), data: response };
    },
    deleteExport: (id) => call("DELETE", at("exports", id)),
  } satisfies Partial<AgentClient>;

  return {
    ...storage,
    host: () => call("GET", "/v1/host"),
    guests: async () => (await call<{ guests: GuestReport[] }>("GET", "/v1/guests")).guests,
    putGuest: (spec) => call("PUT", guest(spec.id), spec),
    getGuest: (id) => orNull(call<GuestReport>("GET", guest(id))),
    deleteGuest: async (id, generation) => {
      const report = await orNull(call<GuestReport>("DELETE", `${guest(id)}?generation=${generation}`));
      return report !== null && report.gone !== true;
    },
    rebootGuest: (id, kind, nonce) => call("POST", `${guest(id)}/reboot`, { kind, nonce }),
    consoleText: async (id, lines) => {
      const response = await send("GET", `${guest(id)}/console${lines === undefined ? "" : `?length=${lines}`}`);
      const payload = await read(response);
      if ((response.statusCode ?? 500) >= 300) throw toError(response.statusCode ?? 500, payload);
      return payload;
    },
    setPassword: (id, user, password) =>
      call("POST", `${guest(id)}/password`, { user, password: Buffer.from(password).toString("base64") }),
    injectNmi: (id) => call("POST", `${guest(id)}/nmi`),
    diagnostics: (id) => call("GET", `${guest(id)}/diagnostics`),
    openStream: (id, stream) =>
      upgrade({ socketPath, method: "GET", path: `${guest(id)}/${stream}` }, { socketPath, ms: answerMs }),
    async *reports(signal) {
      yield* reportsIn(await send("GET", "/v1/reports", undefined, reportMs), signal);
    },
    dropImage: (id) => call("DELETE", `/v1/images/${encodeURIComponent(id)}`),
  };
}

const noAnswer = (cause: unknown): CloudError => unavailable("The host's agent does not answer", { cause });

function endSilence(outgoing: ClientRequest, { socketPath, ms }: { socketPath: string; ms: number }): void {
  outgoing.setTimeout(ms, () => outgoing.destroy(new Error(`the agent at ${socketPath} said nothing for ${ms} ms`)));
}

function upgrade(options: RequestOptions, silence: { socketPath: string; ms: number }): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, headers: { connection: "Upgrade", upgrade: "tcp" } });
    outgoing.once("upgrade", (_response, socket, head) => {
      // a console is as quiet as its guest
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    outgoing.once("response", (response) => {
      void text(response).then((payload) => reject(toError(response.statusCode ?? 500, payload)), reject);
    });
    outgoing.once("error", (cause) => reject(noAnswer(cause)));
    endSilence(outgoing, silence);
    outgoing.end();
  });
}

async function* reportsIn(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Report> {
  const stop = (): void => {
    response.destroy();
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    for await (const line of linesOf(response)) yield JSON.parse(line) as Report;
  } catch (cause) {
    if (!signal.aborted) throw unavailable("the agent's report stream broke", { cause });
  } finally {
    signal.removeEventListener("abort", stop);
    response.destroy();
  }
  if (!signal.aborted) throw unavailable("the agent closed its report stream");
}

/** Lines of a stream that are not empty. (readline's own iterator never ends when its input is destroyed.) */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARS) throw new Error("the agent's report does not end");
    for (const line of lines) if (line !== "") yield line;
  }
}

function toError(status: number, payload: string): CloudError {
  try {
    const { error } = JSON.parse(payload) as { error: { kind: ErrorKind; message: string } };
    return new CloudError(error.kind, error.message);
  } catch (cause) {
    return unavailable(`host agent answered ${status}`, { cause });
  }
}
