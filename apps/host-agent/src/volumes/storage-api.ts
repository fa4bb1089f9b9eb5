/** The routes of volumes, backups and exports (libs/agent-api, types.ts). */
import { pipeline } from "node:stream/promises";

import { backupSpecSchema, exportSpecSchema, volumeSpecSchema } from "@andromede/agent-api/schemas";
import type { BackupSpec, ExportSpec, VolumeSpec } from "@andromede/agent-api/types";
import { invalid, notFound, notImplemented } from "@andromede/base/errors";

import { type Call, type Route, ajv, generationIn, readBody, reply } from "../http-call.ts";
import type { Storage } from "./storage.ts";

/** null: the host has no pool. */
export type StorageAgent = { readonly storage: Storage | null };

const validVolume = ajv.compile<VolumeSpec>(volumeSpecSchema);
const validBackup = ajv.compile<BackupSpec>(backupSpecSchema);
const validExport = ajv.compile<ExportSpec>(exportSpecSchema);

/** All ids are UUIDs: they become parts of file names. */
const UUID = "([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})";
const path = (kind: string, rest = ""): RegExp => new RegExp(`^/v1/${kind}/${UUID}${rest}$`);

type Handle = (storage: Storage, call: Call) => Promise<void> | void;

const route = (method: string, where: RegExp, handle: Handle): Route<StorageAgent> => ({
  method,
  path: where,
  handle({ storage }, call) {
    if (storage === null) throw notImplemented("This host has no pool of volumes");
    return handle(storage, call);
  },
});

export const STORAGE_ROUTES: Route<StorageAgent>[] = [
  route("PUT", path("volumes"), async (storage, { request, response, id }) => {
    reply(response, 202, storage.putVolume(named(await readBody(request, validVolume), id)));
  }),
  route("GET", path("volumes"), (storage, { response, id }) => {
    reply(response, 200, found(storage.volumes.report(id), `nothing was said of volume ${id}`));
  }),
  route("DELETE", path("volumes"), async (storage, { response, url, id }) => {
    const report = await storage.removeVolume(id, generationIn(url));
    reply(response, 202, found(report ?? undefined, `no volume ${id}`));
  }),
  route("PUT", path("backups"), async (storage, { request, response, id }) => {
    reply(response, 202, await storage.putBackup(named(await readBody(request, validBackup), id)));
  }),
  route("GET", path("backups"), (storage, { response, id }) => {
    reply(response, 200, found(storage.backups.report(id), `nothing was said of backup ${id}`));
  }),
  route("DELETE", path("backups"), async (storage, { response, id }) => {
    await storage.removeBackup(id);
    reply(response, 204, undefined);
  }),
  route("PUT", path("exports"), async (storage, { request, response, id }) => {
    reply(response, 202, await storage.putExport(named(await readBody(request, validExport), id)));
  }),
  route("GET", path("exports"), (storage, { response, id }) => {
    reply(response, 200, found(storage.exports.report(id), `no export ${id} on this host`));
  }),
  route("GET", path("exports", "/data"), sendExport),
  route("DELETE", path("exports"), async (storage, { response, id }) => {
    await storage.removeExport(id);
    reply(response, 204, undefined);
  }),
];

async function sendExport(storage: Storage, { response, id }: Call): Promise<void> {
  const { sizeBytes, data } = await storage.openExport(id);
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": sizeBytes });
  // Whoever hangs up has had enough; whoever got less than the length knows it.
  await pipeline(data, response).catch(() => response.destroy());
}

function named<Spec extends { id: string }>(spec: Spec, id: string): Spec {
  if (spec.id !== id) throw invalid("the id is not the one in the path", { field: "id" });
  return spec;
}

function found<Report>(report: Report | undefined, otherwise: string): Report {
  if (report === undefined) throw notFound(otherwise);
  return report;
}
