/** What POST .../action asks for that changes what a server is: reads the body, calls the use case, says what Nova says. */
import { invalid } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { toBoolean, toInteger } from "../common/wire.ts";
import { createServerBackup, createServerImage } from "../snapshots/create-snapshot.ts";
import { evacuateServer } from "./evacuate-server.ts";
import type {
  CreateBackupBody,
  CreateImageBody,
  EvacuateBody,
  MigrateBody,
  MigrateLiveBody,
  RebuildBody,
  RescueBody,
  ResizeBody,
  UnshelveBody,
} from "./life.schema.ts";
import { readExtras } from "./read-servers.ts";
import { type Rebuild, rebuildServer } from "./rebuild-server.ts";
import { rescueServer } from "./rescue-server.ts";
import { confirmResizeAction, migrateLive, migrateServer, resizeServer } from "./resize-server.ts";
import { idOf, viewerOf } from "./server.handlers.ts";
import { canonicalV6, emptyToNull, lastSegment, makePassword, refuseUnsupported, toUserData } from "./server.input.ts";
import { toDiagnostics, toDriverDiagnostics } from "./diagnostics.view.ts";
import { readDiagnostics, readEncryptedPassword } from "./guest-actions.ts";
import { toServerView } from "./server.view.ts";
import { type UnshelveWish, unshelveServer } from "./shelve-server.ts";

export async function rebuildAction(request: ApiRequest, id: string, body: RebuildBody): Promise<Reply> {
  refuseUnsupported(body);
  const wanted = toRebuild(body);
  const server = await rebuildServer(request, id, wanted);
  const extras = await readExtras(request, server);
  return {
    status: 202,
    headers: { location: `${request.baseUrl}/compute/v2.1/servers/${id}` },
    body: {
      server: {
        ...toServerView(viewerOf(request), server, extras, "rebuild"),
        adminPass: wanted.adminPassword,
      },
    },
  };
}

const toRebuild = (body: RebuildBody): Rebuild => ({
  imageId: body.imageRef,
  adminPassword: body.adminPass ?? makePassword(),
  preserveEphemeral: toBoolean(body.preserve_ephemeral ?? false),
  ...(body.key_name === undefined ? {} : { keyName: body.key_name }),
  ...(body.user_data === undefined ? {} : { userData: toUserData(body.user_data) }),
  changes: {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.hostname === undefined ? {} : { hostname: body.hostname }),
    ...(body.accessIPv4 === undefined ? {} : { accessIpV4: emptyToNull(body.accessIPv4) }),
    ...(body.accessIPv6 === undefined ? {} : { accessIpV6: canonicalV6(body.accessIPv6) }),
    ...(body["OS-DCF:diskConfig"] === undefined ? {} : { diskConfig: body["OS-DCF:diskConfig"] }),
  },
});

export const resizeAction = (request: ApiRequest, id: string, body: ResizeBody): Promise<void> =>
  resizeServer(request, id, {
    flavorId: lastSegment(String(body.flavorRef)),
    ...(body["OS-DCF:diskConfig"] === undefined ? {} : { diskConfig: body["OS-DCF:diskConfig"] }),
  });

export async function confirmAction(request: ApiRequest, id: string): Promise<Reply> {
  await confirmResizeAction(request, id);
  return { status: 204 };
}

export async function rescueAction(request: ApiRequest, id: string, body: RescueBody): Promise<Reply> {
  const adminPassword = body?.adminPass ?? makePassword();
  await rescueServer(request, id, { imageId: body?.rescue_image_ref ?? null, adminPassword });
  return { status: 200, body: { adminPass: adminPassword } };
}

/** From 2.45 on the id is in the body; before, in a header. */
const toImageReply = (request: ApiRequest, imageId: string): Reply =>
  request.version >= 45
    ? { status: 202, body: { image_id: imageId } }
    : { status: 202, headers: { location: `${request.baseUrl}/image/v2/images/${imageId}` } };

export async function createImageAction(request: ApiRequest, id: string, body: CreateImageBody): Promise<Reply> {
  return toImageReply(
    request,
    await createServerImage(request, id, { name: body.name, metadata: body.metadata ?? {} }),
  );
}

export async function createBackupAction(request: ApiRequest, id: string, body: CreateBackupBody): Promise<Reply> {
  const rotation = toInteger(body.rotation, "rotation", 0);
  const { name, metadata = {}, backup_type: backupType } = body;
  const imageId = await createServerBackup(request, id, { name, metadata, backupType, rotation });
  // none will stay
  return rotation === 0 && request.version < 45 ? { status: 202 } : toImageReply(request, imageId);
}

export function unshelveAction(request: ApiRequest, id: string, body: UnshelveBody): Promise<void> {
  const wish: UnshelveWish = {};
  // before 2.77 anything was taken for null
  if (request.version >= 77 && body?.availability_zone !== undefined) wish.zone = body.availability_zone;
  if (request.version >= 91 && body?.host !== undefined) wish.host = body.host;
  return unshelveServer(request, id, wish);
}

export const migrateAction = (request: ApiRequest, id: string, body: MigrateBody): Promise<void> =>
  migrateServer(request, id, request.version >= 56 ? (body?.host ?? null) : null);

export const migrateLiveAction = (request: ApiRequest, id: string, body: MigrateLiveBody): Promise<void> =>
  migrateLive(request, id, body.host);

/** Disks here are the hosts' own: what is evacuated is made anew, and has the password that it is given. */
export async function evacuateAction(request: ApiRequest, id: string, body: EvacuateBody): Promise<Reply> {
  const shared = body.onSharedStorage !== undefined && toBoolean(body.onSharedStorage);
  if (shared && body.adminPass !== undefined) throw invalid("admin password can't be changed on existing disk");
  if (shared) throw invalid("Disks of servers are not on shared storage here.");
  if (body.force !== undefined && toBoolean(body.force) && body.host === undefined)
    throw invalid("Can't force to a non-provided destination");
  await evacuateServer(request, id, body.host ?? null);
  return request.version < 14
    ? { status: 200, body: { adminPass: body.adminPass ?? makePassword() } }
    : { status: 200 };
}

export async function showDiagnostics(request: ApiRequest): Promise<Reply> {
  const { server, diagnostics } = await readDiagnostics(request, idOf(request));
  const body = request.version >= 48 ? toDiagnostics(server, diagnostics) : toDriverDiagnostics(diagnostics);
  return { status: 200, body };
}

export async function showPassword(request: ApiRequest): Promise<Reply> {
  return { status: 200, body: { password: await readEncryptedPassword(request, idOf(request)) } };
}

export async function clearPassword(request: ApiRequest): Promise<Reply> {
  await readEncryptedPassword(request, idOf(request));
  return { status: 204 };
}
