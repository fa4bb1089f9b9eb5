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
import { ensureBucketAccount } from "../cloud/bucket-account.ts";
import { type BuiltImage, ensureBuiltImage } from "../cloud/built-images.ts";
import { ensureDemoAccount, ensureExternalNetwork, ensureFlavors, ensureImage, liftQuotas } from "../cloud/furnish.ts";
import {
  type InstanceConfig,
  type UpChoices,
  ensureInstanceConfig,
  externalNetwork,
  instanceUsers,
  writeWhole,
} from "../instance/instance-config.ts";
import { DATA_LOCK_MS, MACHINE_LOCK, dataLock, instanceLock, withMachineLock } from "../instance/machine-lock.ts";
import { type InstancePaths, instancePaths } from "../instance/paths.ts";
import { type Secrets, ensureSecrets } from "../instance/secrets.ts";
import { readSettings } from "../instance/settings.ts";
import { ensureKvmVerdict } from "../kvm/kvm-probe.ts";
import type { DemoCommand, UpCommand } from "../options.ts";
import { say } from "../output.ts";
import {
  startHostNetwork,
  startOpenvswitch,
  startOvnCentral,
  startOvnController,
  startPostgresql,
} from "../stack/engines.ts";
import {
  bootstrapOperator,
  migrateDatabase,
  startAgent,
  startControlPlane,
  startObjectStore,
} from "../stack/programs.ts";
import { type Stack, buildStack } from "../stack/stack.ts";
import { type Plan, type Step, type Timing, runPlan } from "../steps.ts";
import { chooseManager } from "../supervision/choose-manager.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import { ensureCertificates } from "../tls/certificates.ts";
import type { ByteStore } from "../units/byte-stores.ts";
import { type Accelerator, BACKUPS, IMAGES, backupStoreOf, imageStoreOf, preparePrograms } from "../units/programs.ts";

/** Written into the servers' certificate. */
const NAMES = ["127.0.0.1", "localhost"];

export type BroughtUp = { stack: Stack; secrets: Secrets; timings: Timing[] };
type Flags = UpCommand | DemoCommand;
type Run = { flags: Flags; stack: Stack; secrets: Secrets; manager: ServiceManager; timings: Timing[] };

/** Brings the instance up, under its lock. */
export async function bringUp(flags: Flags): Promise<BroughtUp> {
  const paths = instancePaths(flags.data, flags.instance);
  return withMachineLock(
    instanceLock(paths),
    DATA_LOCK_MS,
    () => say("waiting for another command on this instance"),
    async () => {
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
    },
  );
}

const choicesOf = async (flags: Flags): Promise<UpChoices> => ({
  ...(flags.simulated ? { simulated: true } : {}),
  ...(flags.plainHttp ? { plainHttp: true } : {}),
  ...(flags.objectStore ? {} : { objectStore: false }),
  ...(flags.hosts === undefined ? {} : { hosts: flags.hosts }),
  ...(flags.delayMs === undefined ? {} : { delayMs: flags.delayMs }),
  ...(flags.settings === undefined ? {} : { settings: await readSettings(flags.settings) }),
  ...(process.env["ANDROMEDE_DATABASE_URL"] === undefined
    ? {}
    : { databaseUrl: process.env["ANDROMEDE_DATABASE_URL"] }),
});

async function prepareInstance(flags: Flags, paths: InstancePaths): Promise<InstanceConfig> {
  const choices = await choicesOf(flags);
  const config = await withMachineLock(
    MACHINE_LOCK,
    DATA_LOCK_MS,
    () => undefined,
    () => ensureInstanceConfig(paths, choices),
  );
  await Promise.all(
    [paths.directory, paths.run, paths.log].map((directory) => mkdir(directory, { recursive: true, mode: 0o755 })),
  );
  if (flags.command === "demo" && config.backend === "simulated")
    throw conflict("the demo logs in to a real server: not on a simulated instance");
  if (config.plainHttp) warnOfPlainHttp();
  return config;
}

function warnOfPlainHttp(): void {
  const line = "!".repeat(78);
  say(
    `${line}\n!! PLAIN HTTP: passwords and tokens cross the wire unencrypted.\n!! For benchmarks on loopback only. Never serve customers like this.\n${line}`,
  );
}

async function prepareStack(paths: InstancePaths, config: InstanceConfig, timings: Timing[]): Promise<Stack> {
  let engineRoot = "";
  await runPlan(
    [
      {
        title: "Engine root",
        run: async (tell) => {
          const root = await withMachineLock(
            dataLock(paths.data, "engine-root"),
            DATA_LOCK_MS,
            () => tell("being built by another command"),
            () => ensureEngineRoot(paths.data, (line) => /^[IWE]: /.test(line) && tell(line.slice(3))),
          );
          engineRoot = root.directory;
          return root.hash;
        },
      },
    ],
    timings,
  );
  return buildStack(paths, config, { engineRoot, datapath: await detectDatapath() });
}

/** What the engines' steps find out on their way. */
type Found = { accelerator: Accelerator; image: BuiltImage | null };

async function startEngines(run: Run): Promise<Found> {
  const { flags, stack, manager, timings } = run;
  const found: Found = { accelerator: { accelerator: "tcg", reason: "simulated hosts" }, image: null };
  const real = !stack.simulated;
  await runPlan(
    [
      {
        title: "Engines",
        together: [
          {
            title: "PostgreSQL",
            run: () => startPostgresql(stack, manager),
            ...(stack.database.kind === "url" ? { result: "already there" } : {}),
          },
          { title: "Networks", series: networkSteps(run) },
          ...(stack.config.plainHttp ? [] : [certificatesStep(stack)]),
          ...(real ? [acceleratorStep(stack, found)] : []),
          ...(flags.images ? [imageStep(stack, found)] : []),
        ],
      },
    ],
    timings,
  );
  return found;
}

function networkSteps({ stack, manager }: Run): Plan {
  const central: Step = { title: "OVN", run: () => startOvnCentral(stack, manager) };
  if (stack.simulated) return [central];
  return [
    central,
    { title: "Host network", run: () => startHostNetwork(stack), result: externalNetwork(stack.config.slot).cidr },
    {
      title: "Open vSwitch",
      run: () => startOpenvswitch(stack, manager),
      result: stack.datapath === "system" ? "kernel datapath" : "userspace datapath",
    },
    { title: "OVN controller", run: () => startOvnController(stack, manager), result: stack.chassis },
  ];
}

const certificatesStep = ({ engineRoot, paths, users }: Stack): Step => ({
  title: "Certificates",
  run: () =>
    ensureCertificates({
      engineRoot,
      directory: paths.tls,
      instance: paths.instance,
      names: NAMES,
      owner: users.controlPlane,
    }),
});

const acceleratorStep = ({ paths, engineRoot }: Stack, found: Found): Step => ({
  title: "Accelerator",
  run: async () => {
    const lock = dataLock(paths.data, "kvm-probe");
    const nothing = (): void => undefined;
    const probe = (): Promise<Accelerator> => ensureKvmVerdict(paths.data, engineRoot);
    found.accelerator = await withMachineLock(lock, DATA_LOCK_MS, nothing, probe);
    return found.accelerator.accelerator === "kvm" ? "KVM" : `TCG: ${found.accelerator.reason}`;
  },
});

const imageStep = ({ paths, engineRoot }: Stack, found: Found): Step => ({
  title: "Image mini",
  run: async (tell) => {
    const lock = dataLock(paths.data, "image-mini");
    const waiting = (): void => tell("being built by another command");
    const build = (): Promise<BuiltImage> => ensureBuiltImage({ data: paths.data, engineRoot }, "mini", tell);
    found.image = await withMachineLock(lock, DATA_LOCK_MS, waiting, build);
    return found.image.summary;
  },
});

async function startPrograms({ stack, secrets, manager, timings }: Run, accelerator: Accelerator): Promise<void> {
  await preparePrograms(stack, accelerator);
  const { ports, simulatedHosts } = stack.config;
  const api: Step = {
    title: "Control plane",
    run: () => startControlPlane(stack, manager),
    result: `ports ${ports.customer} and ${ports.operator}`,
  };
  const objects: Step = {
    title: "Object store",
    run: () => startObjectStore(stack, manager),
    result: `ports ${ports.customerObjects} and ${ports.operatorObjects}`,
  };
  const series: Plan = [
    { title: "Schema", run: () => migrateDatabase(stack) },
    { title: "Operator", run: () => bootstrapOperator(stack, secrets) },
    { title: "Services", together: [api, ...(stack.config.objectStore ? [objects] : [])] },
  ];
  const agent: Step = {
    title: "Host agent",
    run: () => startAgent(stack, manager),
    result: stack.simulated ? `${simulatedHosts} simulated hosts` : stack.host,
  };
  await runPlan([{ title: "Programs", together: [{ title: "API", series }, agent] }], timings);
}

async function furnish({ stack, secrets, timings }: Run, image: BuiltImage | null): Promise<void> {
  const { paths, config } = stack;
  const operatorAccount = operatorCredentials(stack, secrets);
  const operator = createCloud(operatorAccount);
  try {
    await runPlan([{ title: "Cloud", together: furnishing(operator, stack, secrets, image) }], timings);
  } finally {
    operator.close();
  }
  const clouds = { andromede: demoCredentials(stack, secrets), "andromede-operator": operatorAccount };
  await writeWhole(paths.cloudsYaml, cloudsYaml(clouds, config.region), 0o600);
}

function furnishing(operator: Cloud, stack: Stack, secrets: Secrets, image: BuiltImage | null): Plan {
  const external = externalNetwork(stack.config.slot);
  return [
    {
      title: "Project and user demo",
      run: async () => {
        await ensureDemoAccount(operator, secrets.demoPassword);
        if (stack.simulated) await liftQuotas(operator);
      },
    },
    { title: "Flavors", run: async () => made(await ensureFlavors(operator)) },
    { title: "External network", run: () => ensureExternalNetwork(operator, external) },
    ...imageSteps(operator, stack, image),
    ...backupSteps(operator, stack),
  ];
}

function imageSteps(operator: Cloud, stack: Stack, image: BuiltImage | null): Plan {
  const registered: Step[] =
    image === null ? [] : [{ title: "Image registered", run: async () => (await ensureImage(operator, image)).id }];
  if (stack.config.settings?.imageStore?.driver !== "objects") return registered;
  // the bucket before the first image, whose bytes go there
  const bucket = bucketStep("Bucket", operator, IMAGES, () => imageStoreOf(stack));
  return [{ title: "Images", series: [bucket, ...registered] }];
}

function backupSteps(operator: Cloud, stack: Stack): Plan {
  if (stack.simulated || stack.config.settings?.backupStore?.driver !== "objects") return [];
  return [bucketStep("Bucket of backups", operator, BACKUPS, () => backupStoreOf(stack))];
}

/** A bucket of the cloud's own object store, and the account that it is of. */
const bucketStep = (title: string, operator: Cloud, name: string, storeOf: () => Promise<ByteStore>): Step => ({
  title,
  async run() {
    const store = await storeOf();
    if (store.driver === "s3") await ensureBucketAccount(operator, name, store);
  },
});

const made = (count: number): string | undefined => (count === 0 ? undefined : `${count} made`);
