import { conflict, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { lockOwnImage } from "../images/image-access.ts";
import type { Image } from "../images/image.model.ts";
import { assertStore } from "../store/stores.ts";
import { importMethods } from "./import-methods.ts";
import type { ImportInput } from "./task.model.ts";
import { beginImport, findStaged, insertTask } from "./task.queries.ts";
import { assertAllowedUrl, readUrl } from "./web-address.ts";

export type ImportBody = { method: { name: string; uri?: string }; stores?: string[] };

/** Answered at once; the work is a task's. */
export async function startImport(request: ApiRequest, id: string, body: ImportBody): Promise<void> {
  const { app, actor, origin, requestId } = request;
  const input = readInput(request, body);
  for (const store of body.stores ?? []) assertStore(store);
  await transact(app, origin, async (tx) => {
    const image = await lockOwnImage(tx.sql, request, id, "import_image");
    const staged = (await findStaged(tx.sql, id))?.stagedBytes ?? null;
    assertImportable(image, input, staged !== null);
    const taskId = newUuid();
    await insertTask(tx.sql, {
      id: taskId,
      imageId: id,
      projectId: image.projectId,
      userId: actor.userId,
      requestId,
      input,
    });
    await beginImport(tx.sql, id);
    tx.event({
      action: "image.image.import",
      target: { type: "image", id, projectId: image.projectId },
      detail: { task: taskId, method: input.method },
    });
    tx.enqueue(`image-task/${taskId}`);
  });
}

function readInput({ app }: Pick<ApiRequest, "app">, { method }: ImportBody): ImportInput {
  if (!importMethods(app.config).includes(method.name)) throw invalid(`Unknown import method name '${method.name}'.`);
  if (method.name !== "web-download") return { method: "glance-direct" };
  if (method.uri === undefined)
    throw invalid("URI is required for import method 'web-download'.", { field: "method.uri" });
  assertAllowedUrl(readUrl(method.uri), app.config.image?.webDownloadHosts ?? []);
  return { method: "web-download", uri: method.uri };
}

function assertImportable(image: Image, input: ImportInput, isStaged: boolean): void {
  if (image.status === "active") throw conflict("Image with status active cannot be target for import");
  if (input.method === "web-download" && image.status !== "queued")
    throw conflict("Image needs to be in 'queued' state to use 'web-download' method");
  if (input.method === "glance-direct" && (image.status !== "uploading" || !isStaged))
    throw conflict("Image needs to be staged before 'glance-direct' method can be used");
  if (image.containerFormat === null) throw conflict("'container_format' needs to be set before import");
  if (image.diskFormat === null) throw conflict("'disk_format' needs to be set before import");
}
