import { stat } from "node:fs/promises";
import { join } from "node:path";

import { removePath } from "../durable.ts";
import type { Device } from "./jail.ts";
import { run } from "./run.ts";

const TUN = "/dev/net/tun";

/**
 * The device through which taps are opened, for a user without privileges. What opening it allows is the kernel's
 * affair (one's own taps only), so udev makes it open to all; where udev is not, a node of ours is.
 */
export async function tunDevice(directory: string): Promise<Device> {
  const { mode } = await stat(TUN);
  if ((mode & 0o006) === 0o006) return { source: TUN, target: TUN };
  const own = join(directory, "tun");
  await removePath(own);
  await run(["mknod", "--mode=0666", own, "c", "10", "200"], { what: "making the tun device", timeoutMs: 5_000 });
  return { source: own, target: TUN };
}
