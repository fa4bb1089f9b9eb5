import assert from "node:assert/strict";
import { test } from "node:test";

import { type Jail, jailCommand } from "./jail.ts";

const bare: Jail = { root: "/roots/1", binds: [], unshare: [] };

test("a whole command line", () => {
  const jail: Jail = {
    root: "/roots/1",
    binds: [
      { from: "/data/one/run", mode: "write" },
      { from: "/data/one/passwd", to: "/etc/passwd", mode: "read" },
      { from: "/dev/net/tun", mode: "device" },
      { from: "/tmp/a/b", mode: "read" },
    ],
    unshare: ["pid", "net"],
    user: { uid: 12, gid: 34, groups: [56, 78] },
    networkNamespace: "one-host1",
    workingDirectory: "/data/one",
  };
  assert.deepEqual(
    jailCommand(jail, ["postgres", "-D", "x y"]).join(" "),
    [
      "nsenter --net=/run/netns/one-host1 -- bwrap",
      "--ro-bind /roots/1/usr /usr --ro-bind /roots/1/etc /etc",
      "--symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64",
      "--proc /proc --dev /dev --perms 1777 --tmpfs /tmp --tmpfs /run --dir /var --symlink /run /var/run",
      "--dir /data --dir /data/one --dir /tmp/a",
      "--bind /data/one/run /data/one/run --ro-bind /data/one/passwd /etc/passwd --dev-bind /dev/net/tun /dev/net/tun --ro-bind /tmp/a/b /tmp/a/b",
      "--unshare-pid --unshare-net --chdir /data/one --",
      "setpriv --reuid=12 --regid=34 --groups=56,78 --bounding-set=-all --inh-caps=-all --no-new-privs postgres -D x y",
    ].join(" "),
  );
});

test("root keeps only the capabilities that are named", () => {
  const command = jailCommand({ ...bare, capabilities: ["net_admin", "net_raw"] }, ["true"]);
  assert.deepEqual(command.slice(command.indexOf("setpriv")), [
    "setpriv",
    "--bounding-set=-all,+net_admin,+net_raw",
    "--inh-caps=-all",
    "--no-new-privs",
    "true",
  ]);
});

test("an engine never dies with whoever started it, and a user without groups has none", () => {
  const command = jailCommand({ ...bare, user: { uid: 1, gid: 2 } }, ["true"]);
  assert.equal(command.includes("--die-with-parent"), false);
  assert.equal(command.includes("--clear-groups"), true);
});
