/** An instance that is there, for the commands that do not bring it up. */
import { notFound } from "@andromede/base/errors";
import { locateEngineRoot } from "@andromede/engines/engine-root";
import { detectDatapath } from "@andromede/engines/openvswitch";

import { type InstanceConfig, loadInstanceConfig } from "../instance/instance-config.ts";
import { type InstancePaths, instancePaths } from "../instance/paths.ts";
import { type Stack, buildStack } from "../stack/stack.ts";

type Where = { data: string; instance: string };

/** Its configuration; `notFound` when it was never made. */
export async function openInstance(where: Where): Promise<{ paths: InstancePaths; config: InstanceConfig }> {
  const paths = instancePaths(where.data, where.instance);
  const config = await loadInstanceConfig(paths);
  if (config === null)
    throw notFound(`there is no instance ${where.instance} in ${where.data}; "andromede up" makes one`);
  return { paths, config };
}

/** The same with the engines' places. */
export async function openStack(where: Where): Promise<Stack> {
  const { paths, config } = await openInstance(where);
  const { directory } = await locateEngineRoot(paths.data);
  return buildStack(paths, config, { engineRoot: directory, datapath: await detectDatapath() });
}
