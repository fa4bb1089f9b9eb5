import { open } from "node:fs/promises";

import { invalid, unavailable } from "@andromede/base/errors";

import type { Config } from "../../../config.ts";
import { qemuImgInfo } from "./qemu-img.ts";
import { HEADER_BYTES, sniff } from "./sniff.ts";
import { type Verdict, judge, judgeQemuInfo } from "./verdict.ts";

/** Looks into a received file before it becomes an image. Throws `invalid`, saying why, for one that must not be kept. */
export async function inspectImage(
  config: Pick<Config, "jail">,
  file: { path: string; sizeBytes: number; diskFormat: string | null },
  limits: { maxVirtualBytes: number },
): Promise<{ virtualSizeBytes: number | null; unbootable: string | null }> {
  const header = await readHeader(file.path);
  const verdict = judge(file.diskFormat, sniff(header), { sizeBytes: file.sizeBytes, ...limits });
  if (verdict.kind !== "examine") return settle(verdict);
  if (config.jail === null) throw unavailable("qcow2 images cannot be inspected here");
  return settle(judgeQemuInfo(await qemuImgInfo(config.jail.engineRoot, file.path), limits.maxVirtualBytes));
}

function settle(verdict: Exclude<Verdict, { kind: "examine" }> | Verdict): {
  virtualSizeBytes: number | null;
  unbootable: string | null;
} {
  switch (verdict.kind) {
    case "refused":
      throw invalid(verdict.reason);
    case "kept":
      return { virtualSizeBytes: verdict.virtualSizeBytes, unbootable: verdict.unbootable };
    case "examine":
      throw unavailable("the inspection did not come to an end");
  }
}

async function readHeader(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
