/** The host agent: reads its configuration, starts, and on SIGTERM stops; guests keep running. */
import { join } from "node:path";
import { parseArgs } from "node:util";

import { collectWhenIdle } from "@andromede/base/idle-memory";
import { type Logger, createLogger } from "@andromede/base/log";
import { stopOnSignal } from "@andromede/base/stopping";

import { type Agent, type AgentOptions, startAgent } from "./agent.ts";
import { type AgentConfig, type SimulatedConfig, readConfig } from "./config.ts";
import { imageCacheOf } from "./storage/image-cache.ts";
import { createQemuBackend } from "./qemu/qemu-backend.ts";
import { crashPoint } from "./crash-point.ts";
import { createSimBackend, createSimHost } from "./sim/sim-backend.ts";
import { createSimPool, createSimStorage } from "./sim/sim-storage.ts";
import { createQcow2Storage } from "./volumes/qcow2-storage.ts";

/** Starts the agent (or, simulated, the agents) that a configuration describes. */
export async function startFromConfig(config: AgentConfig, log: Logger): Promise<Agent> {
  const agents = await Promise.all(optionsOf(config, log).map(startAgent));
  return {
    async close() {
      await Promise.all(agents.map((agent) => agent.close()));
    },
  };
}

function optionsOf(config: AgentConfig, log: Logger): AgentOptions[] {
  const common = {
    ...(config.controlPlaneGid === undefined ? {} : { controlPlaneGid: config.controlPlaneGid }),
    limits: {
      ...(config.shutdownTimeoutMs === undefined ? {} : { shutdownMs: config.shutdownTimeoutMs }),
      ...(config.portTimeoutMs === undefined ? {} : { portsMs: config.portTimeoutMs }),
    },
  };
  const { simulated } = config;
  if (config.backend === "qemu" || simulated === undefined) return [{ ...common, ...qemuOptions(config, log) }];
  return simulatedOptions(config, simulated, log).map((host) => ({ ...common, ...host }));
}

type HostOptions = Omit<AgentOptions, "controlPlaneGid" | "limits">;

function qemuOptions(config: AgentConfig, log: Logger): HostOptions {
  const { volumePool, backupStore } = config;
  const images = imageCacheOf(config, log);
  const step = crashPoint(process.env["ANDROMEDE_TEST_CRASH_AT"]);
  return {
    host: config.host,
    socketPath: config.socketPath,
    ledgerDir: join(config.dataDir, "ledger"),
    log,
    backend: () => createQemuBackend(config, images, log, step),
    ...(volumePool === undefined || backupStore === undefined
      ? {}
      : {
          storage: ({ online }) =>
            createQcow2Storage({ ...config, volumePool, backupStore, online, images, step, log }),
        }),
  };
}

function simulatedOptions(config: AgentConfig, simulated: SimulatedConfig, log: Logger): HostOptions[] {
  const { vcpus, memoryMib, diskGib, delaysMs, faults } = simulated;
  // One pool for all of them, as large as all of them.
  const pool = createSimPool({
    name: config.volumePool?.name ?? SIMULATED_POOL,
    totalGib: diskGib * simulated.hosts.length,
  });
  return simulated.hosts.map(({ name, socketPath }) => {
    const host = createSimHost({
      vcpus,
      memoryMib,
      diskGib,
      ...(delaysMs === undefined ? {} : { delaysMs }),
      ...(faults === undefined ? {} : { faults }),
    });
    return {
      host: name,
      socketPath,
      ledgerDir: simulated.ledger === "memory" ? null : join(config.dataDir, name, "ledger"),
      log: log.child({ host: name }),
      backend: () => createSimBackend(host),
      storage: ({ online }) =>
        createSimStorage(pool, online, { delayMs: delaysMs?.volume ?? delaysMs?.other, faults: host.faults }),
    };
  });
}

const SIMULATED_POOL = "simulated";

/**
 * host-agent --config FILE         serve, until SIGTERM
 * host-agent check --config FILE   load everything, read the configuration, and say whether it would do
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { config: { type: "string" } } });
  const command = positionals.join(" ");
  if (values.config === undefined || !["", "check"].includes(command))
    throw new Error("usage: host-agent [check] --config FILE");
  const config = await readConfig(values.config);
  if (command === "check") return;
  const log = createLogger("host-agent", config.logLevel === undefined ? {} : { level: config.logLevel });
  const agent = await startFromConfig(config, log);
  log.info({ instance: config.instance, host: config.host, backend: config.backend }, "host agent is up");
  collectWhenIdle();
  stopOnSignal(() => {
    log.info("host agent stops; guests keep running");
    return agent.close();
  }, log);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    createLogger("host-agent").fatal({ error }, "host agent could not start");
    process.exit(1);
  });
}
