import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createAgentClient } from "@andromede/agent-api/client";
import { silentLogger } from "@andromede/base/log";
import { type Agent, startAgent } from "@andromede/host-agent/agent";
import { createSimBackend, createSimHost } from "@andromede/host-agent/sim";
import { createSimPool, createSimStorage } from "@andromede/host-agent/sim-storage";

import { type BenchHost, PORT_TIMEOUT_MS, SHUTDOWN_TIMEOUT_MS } from "./bench-host.ts";

/** A simulated host. The machine outlives its agents. */
export async function startSimHost(): Promise<BenchHost> {
  const directory = mkdtempSync(join(tmpdir(), "andromede-sim-"));
  const socketPath = join(directory, "agent.sock");
  const machine = createSimHost({ vcpus: 8, memoryMib: 16_384, diskGib: 100 });
  const pool = createSimPool({ name: "local", totalGib: 100 });
  const start = (): Promise<Agent> =>
    startAgent({
      host: "host1",
      socketPath,
      ledgerDir: join(directory, "ledger"),
      limits: { portsMs: PORT_TIMEOUT_MS, shutdownMs: SHUTDOWN_TIMEOUT_MS },
      log: silentLogger,
      backend: () => createSimBackend(machine),
      storage: ({ online }) => createSimStorage(pool, online),
    });
  let agent = await start();
  let images = 0;
  return {
    backend: "simulated",
    client: createAgentClient(socketPath),
    socketPath,
    crashAgent: () => agent.close(),
    async startAgent() {
      agent = await start();
    },
    disk(sizeGib) {
      images += 1;
      const imageId = `tiny-${images}`;
      const source = { kind: "image", imageId, sha512: "0".repeat(128), format: "raw", sizeBytes: 2 ** 20 } as const;
      return { disk: { id: "root", source, sizeGib, bootIndex: 0 }, images: [{ imageId, path: "/nowhere/tiny" }] };
    },
    powerOffFromInside: async (guestId) => machine.powerOff(guestId),
    killGuest: async (guestId) => machine.die(guestId),
    ignoreShutdown: async (guestId) => machine.ignoreShutdown(guestId),
    holdPorts: (hold) => machine.holdPorts(hold),
    remains: async (guestId) => (machine.guests.has(guestId) ? [guestId] : []),
    async stop() {
      await agent.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
