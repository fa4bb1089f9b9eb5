/** Follows every host agent's report stream, for as long as the program runs. Knows no service. */
import { setTimeout as delay } from "node:timers/promises";

import { type AgentClient, createAgentClient } from "@andromede/agent-api/client";
import type { Report } from "@andromede/agent-api/types";
import { notFound } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { Config } from "../config.ts";

/** Stores what an agent saw. Called once per report of a host, in order. */
export type ReportSink = (host: string, report: Report) => Promise<void>;

export type AgentDirectory = { client(host: string): AgentClient };

/** The agents that the configuration names. */
export function createAgentDirectory(hosts: Config["hosts"]): AgentDirectory {
  const clients = new Map(hosts.map((host) => [host.name, createAgentClient(host.socketPath)]));
  return {
    client(host) {
      const client = clients.get(host);
      if (client === undefined) throw notFound(`no host ${host} in the configuration`);
      return client;
    },
  };
}

/** Until `signal` aborts: connect, take reports, and on any break connect again. `onLost` is told once per break. */
export async function followAgent(
  host: string,
  client: AgentClient,
  sink: ReportSink,
  options: { signal: AbortSignal; log: Logger; onLost: (host: string) => Promise<void> },
): Promise<void> {
  let connected = false;
  while (!options.signal.aborted) {
    try {
      for await (const report of client.reports(options.signal)) {
        connected = true;
        await sink(host, report);
      }
    } catch (error) {
      if (connected) {
        options.log.warn({ error, host }, "lost the host agent, will connect again");
        await options
          .onLost(host)
          .catch((cause: unknown) => options.log.error({ error: cause, host }, "loss not recorded"));
      }
      connected = false;
    }
    await delay(250, undefined, { signal: options.signal }).catch(() => undefined);
  }
}
