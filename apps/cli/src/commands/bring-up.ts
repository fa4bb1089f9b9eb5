/**
 * What `up` and `demo` share: from nothing, or from whatever an interruption left, to a cloud that works. Every step is
 * "ensure": it looks at what is there and does what is missing.
 */
import { mkdir } from "node:fs/promises";

import { conflict } from "@andromede/base/errors";
import { ensureEngineRoot } from "@andromede/engines/engine-root";
import { detectDatapath } from "@andromede/engines/openvswitch";
import { type Cloud, createCloud } from "@andromede/openstack-client/client";

import { cloudsYaml, demoCredentials, operatorCredentials } from "../cloud/accounts.ts";
import { type BuiltImage, ensureBuiltImage } from "../cloud/built-images.ts";
import { ensureDemoAccount, ensureExternalNetwork, ensureFlavors, ensureImage } from "../cloud/furnish.ts";
import { type InstanceConfig, type UpChoices, ensureInstanceConfig, externalNetwork, instanceUsers, writeWhole } from "../instance/instance-config.ts";
import { DATA_LOCK_MS, MACHINE_LOCK, dataLock, instanceLock, withMachineLock } from "../instance/machine-lock.ts";
import { type InstancePaths, instancePaths } from "../instance/paths.ts";
import { type Secrets, ensureSecrets } from "../instance/secrets.ts";
import { ensureKvmVerdict } from "../kvm/kvm-probe.ts";
import type { DemoCommand, UpCommand } from "../options.ts";
import { say } from "../output.ts";
import { startHostNetwork, startOpenvswitch, startOvnCentral, startOvnController, startPostgresql } from "../stack/engines.ts";
import { bootstrapOperator, migrateDatabase, startAgent, startControlPlane } from "../stack/programs.ts";
import { type Stack, buildStack } from "../stack/stack.ts";
import { type Plan, type Timing, runPlan } from "../steps.ts";
import { chooseManager } from "../supervision/choose-manager.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import { ensureCertificates } from "../tls/certificates.ts";
import { type Accelerator, preparePrograms } from "../units/programs.ts";

/** Written into the servers' certificate. */
const NAMES = ["127.0.0.1", "localhost"];

export type BroughtUp = { stack: Stack; secrets: Secrets; timings: Timing[] };
type Flags = UpCommand | DemoCommand;
type Run = { flags: Flags; stack: Stack; secrets: Secrets; manager: ServiceManager; timings: Timing[] };

/** Brings the instance up, under its lock. */
export async function bringUp(flags: Flags): Promise<BroughtUp> {
  const paths = instancePaths(flags.data, flags.instance);
  return withMachineLock(instanceLock(paths), DATA_LOCK_MS, () => say("waiting for another command on this instance"), async () => {
    const config = await prepareInstance(flags, paths);
    const timings: Timing[] = [];
    const run: Run = {
      flags,
      stack: await prepareStack(paths, config, timings),
      secrets: await ensureSecrets(paths, instanceUsers(config.slot).controlPlane),
      manager: chooseManager(paths.instance, paths.directory),
      timings,
    };
    const { accelerator, image } = await startEngines(run);
    await startPrograms(run, accelerator);
    await furnish(run, image);
    return { stack: run.stack, secrets: run.secrets, timings };
  });
}

const choicesOf = (flags: Flags): UpChoices => ({
  ...(flags.simulated ? { simulated: true } : {}),
  ...(flags.plainHttp ? { plainHttp: true } : {}),
  ...(flags.hosts === undefined ? {} : { hosts: flags.hosts }),
  ...(flags.delayMs === undefined ? {} : { delayMs: flags.delayMs }),
  ...(process.env["ANDROMEDE_DATABASE_URL"] === undefined ? {} : { databaseUrl: process.env["ANDROMEDE_DATABASE_URL"] }),
});

async function prepareInstance(flags: Flags, paths: InstancePaths): Promise<InstanceConfig> {
  await Promise.all([paths.directory, paths.run, paths.log].map((directory) => mkdir(directory, { recursive: true, mode: 0o755 })));
  const config = await withMachineLock(MACHINE_LOCK, DATA_LOCK_MS, () => undefined, () => ensureInstanceConfig(paths, choicesOf(flags)));
  if (flags.command === "demo" && config.backend === "simulated") throw conflict("the demo logs in to a real server: not on a simulated instance");
  if (config.plainHttp) warnOfPlainHttp();
  return config;
}

function warnOfPlainHttp(): void {
  const line = "!".repeat(78);
  say(`${line}\n!! PLAIN HTTP: passwords and tokens cross the wire unencrypted.\n!! For benchmarks on loopback only. Never serve customers like this.\n${line}`);
}

async function prepareStack(paths: InstancePaths, config: InstanceConfig, timings: Timing[]): Promise<Stack> {
  let engineRoot = "";
  await runPlan([{
    title: "Engine root",
    run: async (tell) => {
      const root = await withMachineLock(dataLock(paths.data, "engine-root"), DATA_LOCK_MS, () => tell("being built by another command"),
        () => ensureEngineRoot(paths.data, (line) => /^[IWE]: /.test(line) && tell(line.slice(3))));
      engineRoot = root.directory;
      return root.hash;
    },
  }], timings);
  return buildStack(paths, config, { engineRoot, datapath: await detectDatapath() });
}

async function startEngines({ flags, stack, manager, timings }: Run): Promise<{ accelerator: Accelerator; image: BuiltImage | null }> {
  const { paths } = stack;
  let accelerator: Accelerator = { accelerator: "tcg", reason: "simulated hosts" };
  let image: BuiltImage | null = null;
  const host: Plan = [
    { title: "Host network", run: async () => (await startHostNetwork(stack), externalNetwork(stack.config.slot).cidr) },
    { title: "Open vSwitch", run: async () => (await startOpenvswitch(stack, manager), stack.datapath === "system" ? "kernel datapath" : "userspace datapath") },
    { title: "OVN controller", run: async () => (await startOvnController(stack, manager), stack.chassis) },
  ];
  const probe: Plan[number] = {
    title: "Accelerator",
    run: async () => {
      accelerator = await withMachineLock(dataLock(paths.data, "kvm-probe"), DATA_LOCK_MS, () => undefined, () => ensureKvmVerdict(paths.data, stack.engineRoot));
      return accelerator.accelerator === "kvm" ? "KVM" : `TCG: ${accelerator.reason}`;
    },
  };
  const build: Plan[number] = {
    title: "Image mini",
    run: async (tell) => {
      image = await withMachineLock(dataLock(paths.data, "image-mini"), DATA_LOCK_MS, () => tell("being built by another command"), () => ensureBuiltImage({ data: paths.data, engineRoot: stack.engineRoot }, "mini", tell));
      return image.summary;
    },
  };
  const certificates: Plan[number] = {
    title: "Certificates",
    run: async () => void (await ensureCertificates({ engineRoot: stack.engineRoot, directory: paths.tls, instance: paths.instance, names: NAMES, owner: stack.users.controlPlane })),
  };
  await runPlan([{
    title: "Engines",
    together: [
      { title: "PostgreSQL", run: async () => (await startPostgresql(stack, manager), stack.database.kind === "url" ? "already there" : undefined) },
      { title: "Networks", series: [{ title: "OVN", run: async () => void (await startOvnCentral(stack, manager)) }, ...(stack.simulated ? [] : host)] },
      ...(stack.config.plainHttp ? [] : [certificates]),
      ...(stack.simulated ? [] : [probe]),
      ...(flags.images && !stack.simulated ? [build] : []),
    ],
  }], timings);
  return { accelerator, image };
}

async function startPrograms({ stack, secrets, manager, timings }: Run, accelerator: Accelerator): Promise<void> {
  await preparePrograms(stack, accelerator);
  const controlPlane: Plan = [
    { title: "Schema", run: async () => migrateDatabase(stack) },
    { title: "Operator", run: async () => void (await bootstrapOperator(stack, secrets)) },
    { title: "Control plane", run: async () => (await startControlPlane(stack, manager), `ports ${stack.config.ports.customer} and ${stack.config.ports.operator}`) },
  ];
  const agent: Plan[number] = { title: "Host agent", run: async () => (await startAgent(stack, manager), stack.simulated ? `${stack.config.simulatedHosts} simulated hosts` : stack.host) };
  await runPlan([{ title: "Programs", together: [{ title: "API", series: controlPlane }, agent] }], timings);
}

async function furnish({ stack, secrets, timings }: Run, image: BuiltImage | null): Promise<void> {
  const { paths, config } = stack;
  const accounts = { andromede: demoCredentials(stack, secrets), "andromede-operator": operatorCredentials(stack, secrets) };
  const operator = createCloud(accounts["andromede-operator"]);
  try {
    await runPlan([{ title: "Cloud", together: furnishing(operator, stack, secrets, image) }], timings);
  } finally {
    operator.close();
  }
  await writeWhole(paths.cloudsYaml, cloudsYaml(accounts, config.region), 0o600);
}

function furnishing(operator: Cloud, stack: Stack, secrets: Secrets, image: BuiltImage | null): Plan {
  return [
    { title: "Project and user demo", run: async () => void (await ensureDemoAccount(operator, secrets.demoPassword)) },
    { title: "Flavors", run: async () => made(await ensureFlavors(operator)) },
    { title: "External network", run: async () => void (await ensureExternalNetwork(operator, externalNetwork(stack.config.slot))) },
    ...(image === null ? [] : [{ title: "Image registered", run: async () => (await ensureImage(operator, image)).id }]),
  ];
}

const made = (count: number): string | undefined => (count === 0 ? undefined : `${count} made`);
