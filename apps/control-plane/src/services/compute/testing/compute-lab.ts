/** What compute's database tests start from: the app, one fake host that has reported, a flavor, an image. */
import { randomBytes } from "node:crypto";

import { newHexId, newUuid } from "@andromede/base/ids";

import type { Config } from "../../../config.ts";
import type { Service } from "../../../http/service.ts";
import type { Reconciler } from "../../../reconcile/worker.ts";
import { seedImageBytes } from "../../../testing/seed-image-bytes.ts";
import { type Answer, type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { receiveReport } from "../hosts/receive-report.ts";
import { ensureFlavor } from "../public.ts";
import { computeReconcilers } from "../reconcilers.ts";
import { computeService } from "../service.ts";
import { FakeAgent } from "./fake-agent.ts";

/** JSON whose shape the test asserts. */
export type Wire = ReturnType<typeof JSON.parse>;

export type ComputeLab = TestApp & {
  agent: FakeAgent;
  imageId: string;
  projectId: string;
  token: string;
  /** As the lab's customer, newest microversion unless said. */
  call(
    method: string,
    path: string,
    body?: unknown,
    options?: { version?: string | null; token?: string },
  ): Promise<Omit<Answer, "body"> & { body: Wire }>;
  /** POST /servers of a small server without networks. */
  boot(more?: object, options?: { token?: string; top?: object }): Promise<string>;
  status(id: string): Promise<string>;
};

/** `services`, `reconcilers`: what runs beside compute. `others`: hosts beside host1, which have yet to report. */
export async function createComputeLab(
  options: {
    time?: "manual";
    services?: Service[];
    reconcilers?: Reconciler[];
    config?: Partial<Config>;
    others?: { [host: string]: FakeAgent };
  } = {},
): Promise<ComputeLab> {
  const agent = new FakeAgent();
  const app = await createTestApp({
    services: [computeService, ...(options.services ?? [])],
    reconcilers: [...computeReconcilers, ...(options.reconcilers ?? [])],
    agents: { host1: agent, ...options.others },
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.time === undefined ? {} : { time: options.time }),
  });
  for (const [name, one] of Object.entries({ host1: agent, ...options.others })) {
    one.onReport = (report) => receiveReport(app.app, name, report);
  }
  await agent.fullReport();
  await ensureFlavor(app.app.db, { id: "tiny", name: "tiny", vcpus: 1, ramMib: 128, diskGib: 1 }, new Date());
  const imageId = await seedImage(app);
  const projectId = newHexId();
  await app.app.db`insert into project (id, domain_id, name) values (${projectId}, 'default', ${projectId})`;
  const token = app.tokenFor({ projectId, roles: ["member"] });

  const call: ComputeLab["call"] = async (method, path, body, { version = "2.93", token: asked = token } = {}) =>
    app.inject({
      method,
      url: `/compute/v2.1${path}`,
      token: asked,
      ...(body === undefined ? {} : { body }),
      headers: version === null ? {} : { "openstack-api-version": `compute ${version}` },
    });
  return {
    ...app,
    agent,
    imageId,
    projectId,
    token,
    call,
    async boot(more = {}, { token: asked = token, top = {} } = {}) {
      const server = { name: "web", flavorRef: "tiny", imageRef: imageId, networks: "none", ...more };
      const answer = await call("POST", "/servers", { server, ...top }, { token: asked });
      if (answer.status !== 202) throw new Error(`POST /servers: ${answer.status} ${answer.text}`);
      return (answer.body as { server: { id: string } }).server.id;
    },
    async status(id) {
      const answer = await call("GET", `/servers/${id}`);
      return answer.status === 200
        ? (answer.body as { server: { status: string } }).server.status
        : String(answer.status);
    },
  };
}

/** An image that could be booted, as far as the control plane knows. */
export async function seedImage(
  app: TestApp,
  over: { minDisk?: number; minRam?: number; virtualSizeBytes?: number } = {},
): Promise<string> {
  const id = newUuid();
  const uploadId = newHexId().slice(0, 16);
  await app.app.db`
    insert into image (id, name, project_id, visibility, status, disk_format, container_format, min_disk, min_ram, size_bytes, virtual_size_bytes,
      checksum, sha512, upload_id)
    values (${id}, 'mini', null, 'public', 'active', 'qcow2', 'bare', ${over.minDisk ?? 0}, ${over.minRam ?? 0}, 1000,
      ${over.virtualSizeBytes ?? 2 ** 29}, 'x', ${randomBytes(64).toString("hex")}, ${uploadId})`;
  await seedImageBytes(app.app, { imageId: id, uploadId });
  return id;
}
