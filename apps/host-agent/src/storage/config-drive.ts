/** The config drive: an ISO 9660 file system labelled `config-2` with the files of the spec's metadata (Nova's layout). */
import { chown, chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { GuestSpec } from "@andromede/agent-api/types";

import { removePath } from "../durable.ts";
import { jailCommand } from "../jail/jail.ts";
import { run } from "../jail/run.ts";
import type { GuestPaths } from "../qemu/guest-jail.ts";
import type { User } from "./qemu-img.ts";

const SHOWN = /^(openstack|ec2)\//;

/** Path -> bytes of what the drive holds. */
function filesOf({ metadata }: GuestSpec): [string, Buffer][] {
  const texts = Object.entries(metadata.files).map(([path, text]): [string, Buffer] => [path, Buffer.from(text)]);
  const binaries = Object.entries(metadata.binaryFiles ?? {}).map(([path, text]): [string, Buffer] => [
    path,
    Buffer.from(text, "base64"),
  ]);
  return [...texts, ...binaries].filter(([path]) => SHOWN.test(path));
}

/** Makes the drive of a guest anew. */
export async function makeConfigDrive(
  engineRoot: string,
  spec: GuestSpec,
  paths: GuestPaths,
  user: User,
): Promise<void> {
  const tree = join(paths.directory, "config-drive");
  const output = join(paths.directory, "config-drive.new");
  await removePath(tree);
  await removePath(output);
  const files = filesOf(spec);
  const directories = new Set([tree, ...files.map(([path]) => dirname(join(tree, path)))]);
  await Promise.all([...directories].map((directory) => mkdir(directory, { recursive: true, mode: 0o755 })));
  await mkdir(output, { mode: 0o700 });
  await Promise.all(files.map(([path, content]) => writeFile(join(tree, path), content, { mode: 0o644 })));
  const jail = {
    engineRoot,
    binds: [
      { source: tree, target: "/tree" },
      { source: output, target: "/output", writable: true },
    ],
    network: "none" as const,
    user: null,
  };
  // As Nova makes it (nova/virt/configdrive.py): Joliet and Rock Ridge, long names, one volume label.
  const argv = ["genisoimage", "-quiet", "-J", "-joliet-long", "-R", "-allow-lowercase", "-allow-multidot", "-l"];
  await run(
    jailCommand(jail, [...argv, "-V", "config-2", "-publisher", "Andromede", "-o", "/output/drive.iso", "/tree"]),
    {
      what: "making the config drive",
      timeoutMs: 30_000,
    },
  );
  const made = join(output, "drive.iso");
  await chown(made, user.uid, user.gid);
  await chmod(made, 0o400);
  await rename(made, paths.configDrive);
  await removePath(output);
  // What it was made from holds the customer's secrets too.
  await removePath(tree);
}
