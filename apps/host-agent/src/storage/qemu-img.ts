/** qemu-img in a jail: it sees the files it is about, and nothing else. */
import { isObject } from "@andromede/base/json";

import { type Bind, jailCommand } from "../jail/jail.ts";
import { run } from "../jail/run.ts";

export type ImageInfo = { format: string; virtualBytes: number; refersToOthers: boolean };
export type User = { uid: number; gid: number };

export type QemuImg = {
  /** Looks at an image of which nothing is known. */
  info(path: string): Promise<ImageInfo>;
  /** Runs `qemu-img` on files of the binds, as the user. */
  run(
    args: readonly string[],
    options: { binds: readonly Bind[]; user: User; what: string; signal?: AbortSignal },
  ): Promise<void>;
};

// The same as Nova and Glance give it: an image can be made to cost qemu-img much more (CVE-2015-5162).
const LIMITS = { addressSpaceBytes: 2 ** 30, cpuSeconds: 30 };
const TIMEOUT_MS = 60_000;

/** qemu-img of an engine root. `reader` may read images. */
export function qemuImgOf(engineRoot: string, reader: User): QemuImg {
  return {
    async info(path) {
      const jail = {
        engineRoot,
        binds: [{ source: path, target: "/image" }],
        network: "none" as const,
        user: reader,
        limits: LIMITS,
      };
      const output = await run(jailCommand(jail, ["qemu-img", "info", "--output=json", "-f", "qcow2", "/image"]), {
        what: "looking at an image",
        timeoutMs: TIMEOUT_MS,
      });
      return toInfo(JSON.parse(output));
    },
    async run(args, { binds, user, what, signal }) {
      const jail = { engineRoot, binds, network: "none" as const, user, limits: LIMITS };
      await run(jailCommand(jail, ["qemu-img", ...args]), {
        what,
        timeoutMs: TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal }),
      });
    },
  };
}

function toInfo(parsed: unknown): ImageInfo {
  if (!isObject(parsed)) throw new Error("qemu-img info gave no object");
  const specific = isObject(parsed["format-specific"]) ? parsed["format-specific"]["data"] : undefined;
  return {
    format: String(parsed["format"]),
    virtualBytes: Number(parsed["virtual-size"]),
    refersToOthers:
      parsed["backing-filename"] !== undefined || (isObject(specific) && specific["data-file"] !== undefined),
  };
}
