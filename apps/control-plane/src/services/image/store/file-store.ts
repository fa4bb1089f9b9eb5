/**
 * Image bytes in a directory: `<directory>/<image id>.<upload id>`, complete and synced to disk, and
 * `<directory>/incoming/` with the same names for uploads under way.
 */
import { access, open, rm } from "node:fs/promises";
import { join } from "node:path";

import { notFound, unavailable } from "@andromede/base/errors";

import { type ImageBytes, bytesName, storageFull, toBytes } from "./bytes-name.ts";
import { ensureDirectories, freeBytes, namesIn, renameDurably } from "./directory.ts";
import type { ImageStore } from "./image-store.ts";
import { receiveUpload } from "./receive-upload.ts";
import { sendFile } from "./send-file.ts";

export function openFileStore(directory: string): ImageStore {
  const whole = (of: ImageBytes): string => join(directory, bytesName(of));
  const incoming = (of: ImageBytes): string => join(directory, "incoming", bytesName(of));

  const find = (of: ImageBytes): Promise<string | null> =>
    access(whole(of)).then(
      () => whole(of),
      () => null,
    );

  return {
    type: "file",
    prepare: () => ensureDirectories(directory, ["incoming"]),
    async ensureRoom(bytes) {
      if (bytes > (await freeBytes(directory))) throw storageFull();
    },
    async receive(of, body, options) {
      const path = incoming(of);
      return { ...(await receiveUpload(body, { ...options, path })), path };
    },
    publish: (of) => renameDurably(incoming(of), whole(of)),
    find,
    async file(of) {
      const found = await find(of);
      if (found === null) throw notFound(`The data of image ${of.imageId} is gone`);
      return found;
    },
    async open(of, part) {
      const file = await open(whole(of), "r").catch((cause: unknown) => {
        throw unavailable(`The data of image ${of.imageId} cannot be read`, { cause });
      });
      return { write: (response) => sendFile(file, response, part) };
    },
    async remove(of) {
      await Promise.all([incoming(of), whole(of)].map((path) => rm(path, { force: true })));
    },
    async list() {
      return toBytes((await Promise.all([directory, join(directory, "incoming")].map(namesIn))).flat());
    },
    tidy: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
