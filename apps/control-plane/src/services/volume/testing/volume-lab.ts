/** What the database tests of volumes start from: the app, one fake agent with a pool that has reported. */
import { randomBytes } from "node:crypto";

import type { AgentClient } from "@andromede/agent-api/client";
import { newHexId, newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import type { Service } from "../../../http/service.ts";
import type { Reconciler } from "../../../reconcile/worker.ts";
import { seedImageBytes } from "../../../testing/seed-image-bytes.ts";
import { type Answer, type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { receiveVolumeReport } from "../hosts/receive-report.ts";
import { volumeReconcilers } from "../reconcilers.ts";
import { volumeService } from "../service.ts";
import { FakeVolumeAgent } from "./fake-agent.ts";

/** JSON whose shape the test asserts. */
export type Wire = ReturnType<typeof JSON.parse>;

export type VolumeLab = TestApp & {
  agent: FakeVolumeAgent;
  projectId: string;
  token: string;
  /** As the lab's customer, newest microversion unless said. */
  call(
    method: string,
    path: string,
    body?: unknown,
    options?: { version?: string | null; token?: string },
  ): Promise<Omit<Answer, "body"> & { body: Wire }>;
  /** POST /volumes of 1 GiB; waits until it is available unless `wait` is false. */
  volume(more?: object, options?: { wait?: boolean; token?: string }): Promise<string>;
  snapshot(volumeId: string, more?: object): Promise<string>;
  /** Of `volumes/<id>` and the like; the HTTP status as text when there is none. */
  status(path: string): Promise<string>;
  until(path: string, status: string): Promise<void>;
};

export async function createVolumeLab(
  options: { time?: "manual"; services?: Service[]; reconcilers?: Reconciler[] } = {},
): Promise<VolumeLab> {
  const agent = new FakeVolumeAgent();
  const app = await createTestApp({
    services: [volumeService, ...(options.services ?? [])],
    reconcilers: [...volumeReconcilers, ...(options.reconcilers ?? [])],
    agents: { host1: agent as unknown as AgentClient },
    ...(options.time === undefined ? {} : { time: options.time }),
  });
  agent.onReport = (report) => receiveVolumeReport(app.app, "host1", report);
  await agent.fullReport();
  const projectId = newHexId();
  await app.app.db`insert into project (id, domain_id, name) values (${projectId}, 'default', ${projectId})`;
  const token = app.tokenFor({ projectId, roles: ["member"] });

  const call: VolumeLab["call"] = async (method, path, body, { version = "3.70", token: asked = token } = {}) =>
    app.inject({
      method,
      url: `/volume/v3${path}`,
      token: asked,
      ...(body === undefined ? {} : { body }),
      headers: version === null ? {} : { "openstack-api-version": `volume ${version}` },
    });
  const status = async (path: string): Promise<string> => {
    const answer = await call("GET", path.startsWith("/") ? path : `/${path}`, undefined, { token: app.adminToken });
    return answer.status === 200
      ? (Object.values(answer.body as { [member: string]: { status: string } })[0] ?? { status: "" }).status
      : String(answer.status);
  };
  const until = async (path: string, wanted: string): Promise<void> => {
    await waitUntil(`${path} ${wanted}`, async () => (await status(path)) === wanted, {
      timeoutMs: 15_000,
      everyMs: 10,
    });
  };
  const make = async (collection: string, member: string, fields: object, asked = token): Promise<string> => {
    const answer = await call("POST", `/${collection}`, { [member]: fields }, { token: asked });
    if (answer.status !== 202) throw new Error(`POST /${collection}: ${answer.status} ${answer.text}`);
    return (answer.body as { [member: string]: { id: string } })[member]?.id ?? "";
  };
  return {
    ...app,
    agent,
    projectId,
    token,
    call,
    status,
    until,
    async volume(more = {}, { wait = true, token: asked = token } = {}) {
      const id = await make("volumes", "volume", { size: 1, name: "disk", ...more }, asked);
      if (wait) await until(`volumes/${id}`, "available");
      return id;
    },
    async snapshot(volumeId, more = {}) {
      const id = await make("snapshots", "snapshot", { volume_id: volumeId, ...more });
      await until(`snapshots/${id}`, "available");
      return id;
    },
  };
}

/** An image that could be booted, as far as the control plane knows. */
export async function seedImage(app: TestApp, over: { virtualSizeBytes?: number } = {}): Promise<string> {
  const id = newUuid();
  const uploadId = newHexId().slice(0, 16);
  await app.app.db`
    insert into image (id, name, project_id, visibility, status, disk_format, container_format, min_disk, min_ram, size_bytes, virtual_size_bytes,
      checksum, sha512, upload_id, properties)
    values (${id}, 'mini', null, 'public', 'active', 'qcow2', 'bare', 0, 0, 1000, ${over.virtualSizeBytes ?? 2 ** 29}, 'x',
      ${randomBytes(64).toString("hex")}, ${uploadId}, '{"os_distro": "debian"}')`;
  await seedImageBytes(app.app, { imageId: id, uploadId });
  return id;
}
