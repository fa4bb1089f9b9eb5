/** What tests of servers' longer changes share: a lab whose image service takes what hosts export. */
import { engineRoot } from "@andromede/testkit/engines";
import { waitUntil } from "@andromede/base/waiting";

import type { Service } from "../../../http/service.ts";
import type { Reconciler } from "../../../reconcile/worker.ts";
import { ensureFlavor } from "../public.ts";
import { type ComputeLab, type Wire, createComputeLab } from "./compute-lab.ts";

/** What tests look at of a server. */
export type Shown = {
  name: string;
  status: string;
  metadata: { [key: string]: string };
  image: { id: string };
  flavor: { original_name: string };
  fault: { message: string };
  "OS-EXT-STS:task_state": string | null;
  "OS-EXT-STS:vm_state": string;
  "OS-EXT-SRV-ATTR:hostname": string;
};

export type LifeLab = ComputeLab & {
  act(
    id: string,
    action: object,
    options?: { version?: string; token?: string },
  ): Promise<{ status: number; body: Wire }>;
  show(id: string): Promise<Shown>;
  /** Waits until the server has the status and nothing is under way. */
  until(id: string, status: string): Promise<boolean>;
  /** Boots a server and waits until it runs. */
  active(more?: object): Promise<string>;
  image(id: string): Promise<{ status: number; body: Wire }>;
  /** What is promised of hosts and of the project's quota. */
  promised(): Promise<{ hosts: { [column: string]: unknown }[]; usage: { [column: string]: unknown } }>;
};

/** Waits for what is about to be true. */
export const eventually = (what: string, condition: () => boolean | Promise<boolean>): Promise<boolean> =>
  waitUntil(what, condition, { timeoutMs: 30_000, everyMs: 5 });

const CLUSTER = 65_536;

/** A qcow2 disk of 512 MiB with nothing in it: header, one table of tables, and the reference counts of these clusters. */
export function emptyDisk(): Buffer {
  const disk = Buffer.alloc(4 * CLUSTER);
  disk.write("QFI\u00fb", 0, "latin1");
  disk.writeUInt32BE(2, 4);
  // 64 KiB a cluster
  disk.writeUInt32BE(16, 20);
  disk.writeBigUInt64BE(512n * 1024n * 1024n, 24);
  disk.writeUInt32BE(1, 36);
  disk.writeBigUInt64BE(BigInt(CLUSTER), 40);
  disk.writeBigUInt64BE(BigInt(2 * CLUSTER), 48);
  disk.writeUInt32BE(1, 56);
  disk.writeBigUInt64BE(BigInt(3 * CLUSTER), 2 * CLUSTER);
  for (let cluster = 0; cluster < 4; cluster += 1) disk.writeUInt16BE(1, 3 * CLUSTER + 2 * cluster);
  return disk;
}

/** `image`: the image service, whole. */
export async function createLifeLab(
  image: { service: Service; reconcilers: Reconciler[] },
  options: Parameters<typeof createComputeLab>[0] = {},
): Promise<LifeLab> {
  const lab = await createComputeLab({
    ...options,
    services: [image.service],
    reconcilers: image.reconcilers,
    config: { jail: { engineRoot: engineRoot() }, ...options.config },
  });
  const disk = emptyDisk();
  for (const agent of [lab.agent, ...Object.values(options.others ?? {})]) agent.exportedBytes = disk;
  const sizes = { small: [2, 256, 2], big: [4, 512, 3], thin: [1, 128, 0] } as const;
  for (const [id, [vcpus, ramMib, diskGib]] of Object.entries(sizes))
    await ensureFlavor(lab.app.db, { id, name: id, vcpus, ramMib, diskGib }, new Date());
  const show: LifeLab["show"] = async (id) => {
    const answer = await lab.call("GET", `/servers/${id}`);
    return (answer.body as { server: Shown }).server;
  };
  const until: LifeLab["until"] = (id, status) =>
    waitUntil(
      `${status} of ${id}`,
      async () => {
        const server = await show(id);
        return server.status === status && server["OS-EXT-STS:task_state"] === null;
      },
      { timeoutMs: 30_000, everyMs: 5 },
    );
  return {
    ...lab,
    show,
    until,
    act: (id, action, how = {}) => lab.call("POST", `/servers/${id}/action`, action, how),
    async active(more = {}) {
      const id = await lab.boot(more);
      await until(id, "ACTIVE");
      return id;
    },
    async image(id) {
      const answer = await lab.inject({ method: "GET", url: `/image/v2/images/${id}`, token: lab.token });
      return { status: answer.status, body: answer.body };
    },
    async promised() {
      const hosts = await lab.app.db<{ [column: string]: unknown }[]>`
        select name, claimed_servers, claimed_vcpus, claimed_memory_mib, claimed_disk_gib from compute_host order by name`;
      const [usage] = await lab.app.db<{ [column: string]: unknown }[]>`
        select used_servers, used_cores, used_ram_mib from compute_project where project_id = ${lab.projectId}`;
      return { hosts: [...hosts], usage: usage ?? { usedServers: 0, usedCores: 0, usedRamMib: 0 } };
    },
  };
}
