import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";

import type { App } from "../app.ts";
import type { ImageBytes } from "../services/image/store/bytes-name.ts";

/** Bytes for an image that a test made a row of. Test files only. */
export async function seedImageBytes({ imageStore }: Pick<App, "imageStore">, of: ImageBytes): Promise<void> {
  await imageStore.prepare();
  await imageStore.receive(of, Readable.from([randomBytes(1000)]), { maxBytes: 1000, expectedBytes: 1000 });
  await imageStore.publish(of);
}
