/** The compute lab with the volume service beside it: one fake host that keeps guests and volumes. */
import { waitUntil } from "@andromede/base/waiting";

import type { Service } from "../../../http/service.ts";
import type { Reconciler } from "../../../reconcile/worker.ts";
import { receiveVolumeReport } from "../../volume/public.ts";
import { receiveReport } from "../hosts/receive-report.ts";
import { type ComputeLab, type Wire, createComputeLab } from "./compute-lab.ts";

export type ComputeVolumeLab = ComputeLab & {
  /** A call to the volume service, as the lab's customer. */
  cinder(method: string, path: string, body?: unknown): Promise<{ status: number; body: Wire; text: string }>;
  /** A volume of 1 GiB that is there. */
  makeVolume(more?: object): Promise<string>;
  volumeStatus(id: string): Promise<string>;
  /** Waits for a volume's status, or for 404. */
  untilVolume(id: string, status: string): Promise<void>;
  untilServer(id: string, status: string): Promise<void>;
};

/** `volume`: the volume service, which only a test file may name. */
export async function createComputeVolumeLab(
  volume: { service: Service; reconcilers: Reconciler[] },
  options: { time?: "manual" } = {},
): Promise<ComputeVolumeLab> {
  const lab = await createComputeLab({ ...options, services: [volume.service], reconcilers: volume.reconcilers });
  lab.agent.onReport = async (report) => {
    await Promise.all([receiveReport(lab.app, "host1", report), receiveVolumeReport(lab.app, "host1", report)]);
  };
  await lab.agent.fullReport();
  const raised = await lab.inject({
    method: "PUT",
    url: `/volume/v3/os-quota-sets/${lab.projectId}`,
    token: lab.adminToken,
    body: { quota_set: { volumes: 1000, gigabytes: 10_000 } },
  });
  if (raised.status !== 200) throw new Error(`quota: ${raised.status} ${raised.text}`);
  const cinder: ComputeVolumeLab["cinder"] = (method, path, body) =>
    lab.inject({
      method,
      url: `/volume/v3${path}`,
      token: lab.token,
      ...(body === undefined ? {} : { body }),
      headers: { "openstack-api-version": "volume 3.70" },
    });
  const volumeStatus = async (id: string): Promise<string> => {
    const answer = await cinder("GET", `/volumes/${id}`);
    return answer.status === 200
      ? (answer.body as { volume: { status: string } }).volume.status
      : String(answer.status);
  };
  const untilVolume = (id: string, status: string): Promise<void> =>
    until(`volume ${id} ${status}`, async () => (await volumeStatus(id)) === status);
  return {
    ...lab,
    cinder,
    volumeStatus,
    untilVolume,
    untilServer: (id, status) => until(`server ${id} ${status}`, async () => (await lab.status(id)) === status),
    async makeVolume(more = {}) {
      const made = await cinder("POST", "/volumes", { volume: { name: "data", size: 1, ...more } });
      if (made.status !== 202) throw new Error(`POST /volumes: ${made.status} ${made.text}`);
      const { id } = (made.body as { volume: { id: string } }).volume;
      await untilVolume(id, "available");
      return id;
    },
  };
}

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  await waitUntil(what, holds, { timeoutMs: 20_000, everyMs: 10 });
};
