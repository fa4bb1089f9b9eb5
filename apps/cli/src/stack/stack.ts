/** One instance as `up` sees it: where it is, what was chosen, and the engines' places that follow from both. Pure. */
import { join } from "node:path";

import type { Datapath, HostSwitch } from "@andromede/engines/openvswitch";
import type { OvnCentral } from "@andromede/engines/ovn";
import type { PostgresqlPlace } from "@andromede/engines/postgresql";

import { type HostLink, hostLink } from "../host/host-network.ts";
import { type InstanceConfig, type InstanceUsers, instanceUsers } from "../instance/instance-config.ts";
import { type InstancePaths, hostDataDirectory, hostRunDirectory, networkNamespace } from "../instance/paths.ts";

export type Stack = {
  paths: InstancePaths;
  config: InstanceConfig;
  users: InstanceUsers;
  engineRoot: string;
  /** The one host of a single machine. */
  host: string;
  simulated: boolean;
  datapath: Datapath;
  database: { kind: "own"; place: PostgresqlPlace } | { kind: "url"; url: string };
  ovn: OvnCentral;
  switch: HostSwitch;
  link: HostLink;
  chassis: string;
};

const HOST = "host1";

export function buildStack(
  paths: InstancePaths,
  config: InstanceConfig,
  found: { engineRoot: string; datapath: Datapath },
): Stack {
  const users = instanceUsers(config.slot);
  const { engineRoot, datapath } = found;
  const namespace = networkNamespace(paths, HOST);
  return {
    paths,
    config,
    users,
    engineRoot,
    host: HOST,
    simulated: config.backend === "simulated",
    datapath,
    database:
      config.databaseUrl === undefined
        ? { kind: "own", place: postgresqlPlace(paths, users, engineRoot) }
        : { kind: "url", url: config.databaseUrl },
    ovn: {
      engineRoot,
      directory: paths.ovn,
      runDirectory: join(paths.run, "ovn"),
      logDirectory: paths.log,
      user: users.ovn,
    },
    switch: {
      name: HOST,
      engineRoot,
      networkNamespace: namespace,
      directory: join(hostDataDirectory(paths, HOST), "ovs"),
      runDirectory: join(hostRunDirectory(paths, HOST), "ovs"),
      logDirectory: paths.log,
      datapath,
    },
    link: hostLink(config.slot, 1, namespace),
    // the control plane knows hosts by their names, and places gateways by them
    chassis: HOST,
  };
}

function postgresqlPlace(paths: InstancePaths, users: InstanceUsers, engineRoot: string): PostgresqlPlace {
  return {
    engineRoot,
    directory: paths.postgres,
    socketDirectory: join(paths.run, "postgres"),
    log: join(paths.log, "postgresql.log"),
    user: users.postgres,
    client: users.controlPlane,
  };
}
