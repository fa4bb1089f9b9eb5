/** Brings our own programs up on engines that run, each to the point where it has been seen to answer. Idempotent. */
import { createAgentClient } from "@andromede/agent-api/client";
import { unavailable } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";
import { createHttp } from "@andromede/openstack-client/http";

import { type Secrets, OPERATOR_USER } from "../instance/secrets.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import { tlsFiles } from "../tls/certificates.ts";
import {
  agentUnit,
  checkAgent,
  controlPlaneConfig,
  controlPlaneUnit,
  planeUrl,
  runControlPlane,
} from "../units/programs.ts";
import type { Stack } from "./stack.ts";

const READY_MS = 60_000;

/** The schema, then the first operator account; both find before they make. */
export async function migrateDatabase(stack: Stack): Promise<string> {
  const text = await runControlPlane(stack, ["migrate"]);
  const { applied } = JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as { applied?: string[] };
  return applied === undefined || applied.length === 0 ? "" : `${applied.length} applied`;
}

export async function bootstrapOperator(stack: Stack, secrets: Secrets): Promise<void> {
  await runControlPlane(
    stack,
    ["bootstrap"],
    JSON.stringify({ operatorUser: OPERATOR_USER, operatorPassword: secrets.operatorPassword }),
  );
}

export async function startControlPlane(stack: Stack, manager: ServiceManager): Promise<void> {
  await manager.launch(await controlPlaneUnit(stack));
  const http = createHttp(stack.config.plainHttp ? {} : { caFile: tlsFiles(stack.paths.tls).caFile });
  try {
    await Promise.all(
      (["customer", "operator"] as const).map((plane) =>
        waitUntil(
          `the ${plane}s' plane`,
          async () => {
            const { status } = await http.send({
              method: "GET",
              url: `${planeUrl(stack, plane)}/identity/v3`,
              timeoutMs: 5_000,
            });
            if (status !== 200) throw unavailable(`GET /identity/v3 answers ${status}`);
            return true;
          },
          { timeoutMs: READY_MS, everyMs: 50 },
        ),
      ),
    );
  } finally {
    http.close();
  }
}

export async function startAgent(stack: Stack, manager: ServiceManager): Promise<void> {
  await checkAgent(stack);
  await manager.launch(await agentUnit(stack));
  const { hosts } = controlPlaneConfig(stack);
  await Promise.all(
    hosts.map(({ name, socketPath }) =>
      waitUntil(`host agent of ${name}`, async () => (await createAgentClient(socketPath).host()).apiVersion > 0, {
        timeoutMs: READY_MS,
        everyMs: 50,
      }),
    ),
  );
}
