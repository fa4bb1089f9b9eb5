/** Brings our own programs up on engines that run, each to the point where it has been seen to answer. Idempotent. */
import { readFile } from "node:fs/promises";

import { createAgentClient } from "@andromede/agent-api/client";
import { unavailable } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";
import type { Unit } from "@andromede/engines/unit";
import { type Http, createHttp } from "@andromede/openstack-client/http";

import { type Secrets, OPERATOR_USER } from "../instance/secrets.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import { tlsFiles } from "../tls/certificates.ts";
import {
  type AgentAddress,
  agentUnit,
  checkAgent,
  hostsOf,
  controlPlaneUnit,
  objectStoreUnit,
  runControlPlane,
} from "../units/programs.ts";
import { type Plane, objectsUrl, planeUrl } from "../units/plane-urls.ts";
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

/** Adds the end of a unit's log to the error of whoever waited for it in vain. */
async function withLog<T>(unit: Unit, waiting: Promise<T>): Promise<T> {
  try {
    return await waiting;
  } catch (cause) {
    const log = await readFile(unit.log, "utf8").catch(() => "");
    const end = log
      .trim()
      .split("\n")
      .slice(-3)
      .map((line) => line.slice(0, 600))
      .join("\n");
    throw unavailable(`${unit.description} does not come up. The end of ${unit.log}:\n${end}`, { cause });
  }
}

export async function startControlPlane(stack: Stack, manager: ServiceManager): Promise<void> {
  const unit = await controlPlaneUnit(stack);
  await manager.launch(unit);
  const http = createHttp(stack.config.plainHttp ? {} : { caFile: tlsFiles(stack.paths.tls).caFile });
  try {
    await withLog(
      unit,
      Promise.all((["customer", "operator"] as const).map((plane) => waitForPlane(stack, http, plane))),
    );
  } finally {
    http.close();
  }
}

async function waitForPlane(stack: Stack, http: Http, plane: Plane): Promise<void> {
  const url = `${planeUrl(stack, plane)}/identity/v3`;
  const answers = async (): Promise<boolean> => {
    const { status } = await http.send({ method: "GET", url, timeoutMs: 5_000 });
    if (status !== 200) throw unavailable(`GET ${url} answers ${status}`);
    return true;
  };
  await waitUntil(`the ${plane}s' plane`, answers, { timeoutMs: READY_MS, everyMs: 50 });
}

export async function startObjectStore(stack: Stack, manager: ServiceManager): Promise<void> {
  const unit = await objectStoreUnit(stack);
  await manager.launch(unit);
  const http = createHttp(stack.config.plainHttp ? {} : { caFile: tlsFiles(stack.paths.tls).caFile });
  const answers = async (plane: Plane): Promise<boolean> => {
    const url = `${objectsUrl(stack, plane)}/healthcheck`;
    const { status } = await http.send({ method: "GET", url, timeoutMs: 5_000 });
    if (status !== 200) throw unavailable(`GET ${url} answers ${status}`);
    return true;
  };
  const plane = (name: Plane): Promise<true> =>
    waitUntil(`the object store for ${name}s`, () => answers(name), { timeoutMs: READY_MS, everyMs: 50 });
  try {
    await withLog(unit, Promise.all([plane("customer"), plane("operator")]));
  } finally {
    http.close();
  }
}

export async function startAgent(stack: Stack, manager: ServiceManager): Promise<void> {
  await checkAgent(stack);
  const unit = await agentUnit(stack);
  await manager.launch(unit);
  await withLog(unit, Promise.all(hostsOf(stack).map(waitForHost)));
}

async function waitForHost({ name, socketPath }: AgentAddress): Promise<void> {
  const answers = async (): Promise<boolean> => (await createAgentClient(socketPath).host()).apiVersion > 0;
  await waitUntil(`host agent of ${name}`, answers, { timeoutMs: READY_MS, everyMs: 50 });
}
