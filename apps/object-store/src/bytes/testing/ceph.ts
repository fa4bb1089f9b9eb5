/**
 * Ceph of Debian 13 for a test: a monitor, an OSD on a sparse file and a gateway that speaks S3, on ports of their own. The
 * root they run in is built once a machine (ANDROMEDE_CEPH_ROOT names another); what they keep goes with the test, and they go
 * with the process that started them. Test files only.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import { waitUntil } from "@andromede/base/waiting";

const run = promisify(execFile);
const HOME = "/var/tmp/andromede-test/ceph";
const MIRROR = process.env["ANDROMEDE_DEBIAN_MIRROR"] ?? "http://deb.debian.org/debian";

export type Ceph = { endpoint: string; region: string; accessKey: string; secretKey: string; stop(): Promise<void> };

/** Minutes, the first time. */
async function ensureRoot(): Promise<string> {
  const named = process.env["ANDROMEDE_CEPH_ROOT"];
  if (named !== undefined) return named;
  const list = readFileSync(new URL("ceph-packages.txt", import.meta.url), "utf8");
  const packages = list.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const root = join(HOME, createHash("sha256").update(packages.join()).digest("hex").slice(0, 16));
  if (existsSync(root)) return root;
  mkdirSync(HOME, { recursive: true });
  const work = `${root}.${process.pid}`;
  const from = ["trixie", work, `deb ${MIRROR} trixie main`];
  await run("mmdebstrap", [
    "--variant=apt",
    "--mode=root",
    "--format=directory",
    `--include=${packages.join()}`,
    ...from,
  ]);
  renameSync(work, root);
  return root;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const settings = (id: string, [v2, v1, gateway]: number[]): string => `[global]
fsid = ${id}
mon initial members = a
mon host = [v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
auth allow insecure global id reclaim = false
log to file = true
[osd]
osd memory target = 1073741824
bluestore block create = true
bluestore block size = ${8 * 1024 ** 3}
[client.rgw.a]
keyring = /var/lib/ceph/radosgw/keyring
# without tcp_nodelay, small answers wait 40 ms for the client's acknowledgement
rgw frontends = beast endpoint=127.0.0.1:${gateway} tcp_nodelay=1
`;

const MAKE_MONITOR = `
ceph-authtool --create-keyring /etc/ceph/mon.keyring --gen-key -n mon. --cap mon 'allow *'
ceph-authtool --create-keyring /etc/ceph/ceph.client.admin.keyring --gen-key -n client.admin \
  --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
ceph-authtool /etc/ceph/mon.keyring --import-keyring /etc/ceph/ceph.client.admin.keyring
monmaptool --create --clobber --addv a "$(sed -n 's/^mon host = //p' /etc/ceph/ceph.conf)" \
  --fsid "$(sed -n 's/^fsid = //p' /etc/ceph/ceph.conf)" /etc/ceph/monmap
ceph-mon --mkfs -i a --monmap /etc/ceph/monmap --keyring /etc/ceph/mon.keyring`;

const MAKE_OSD = `
id=$(cat /proc/sys/kernel/random/uuid)
secret=$(ceph-authtool --gen-print-key)
echo "{\\"cephx_secret\\": \\"$secret\\"}" | ceph osd new $id -i -
ceph-authtool --create-keyring /var/lib/ceph/osd/ceph-0/keyring -n osd.0 --add-key $secret
ceph-osd -i 0 --mkfs --osd-uuid $id`;

/** A command in the root, with what the test's cluster keeps. */
const inside = (root: string, home: string, command: readonly string[]): string[] => [
  "--ro-bind",
  root,
  "/",
  "--dev",
  "/dev",
  "--proc",
  "/proc",
  "--tmpfs",
  "/tmp",
  "--tmpfs",
  "/run",
  "--dir",
  "/run/ceph",
  "--bind",
  join(home, "etc"),
  "/etc/ceph",
  "--bind",
  join(home, "lib"),
  "/var/lib/ceph",
  "--bind",
  join(home, "log"),
  "/var/log/ceph",
  "--unshare-pid",
  "--die-with-parent",
  "--clearenv",
  "--setenv",
  "PATH",
  "/usr/sbin:/usr/bin:/sbin:/bin",
  "--setenv",
  "HOME",
  "/tmp",
  // the OSD looks for its classes from here
  "--chdir",
  "/",
  "--",
  ...command,
];

export async function startCeph(): Promise<Ceph> {
  const root = await ensureRoot();
  const home = mkdtempSync("/var/tmp/andromede-ceph-");
  for (const name of ["etc", "log", "lib/mon", "lib/osd/ceph-0", "lib/radosgw"]) {
    mkdirSync(join(home, name), { recursive: true });
  }
  const ports = await freePorts(3);
  writeFileSync(join(home, "etc/ceph.conf"), settings(randomUUID(), ports));
  const daemons: ChildProcess[] = [];
  const tell = (...command: string[]) => run("bwrap", inside(root, home, command), { timeout: 60_000 });
  const start = (name: string, ...command: string[]): void => {
    const log = openSync(join(home, "log", `${name}.out`), "a");
    daemons.push(spawn("bwrap", inside(root, home, command), { stdio: ["ignore", log, log] }));
  };
  const wait = (what: string, probe: () => Promise<boolean>) =>
    waitUntil(what, probe, { timeoutMs: 120_000, everyMs: 200 });

  async function stop(): Promise<void> {
    for (const daemon of daemons.toReversed()) {
      const ended = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
      if (daemon.exitCode === null && daemon.signalCode === null && daemon.kill("SIGKILL")) await ended;
    }
    rmSync(home, { recursive: true, force: true });
  }

  try {
    await tell("sh", "-euc", MAKE_MONITOR);
    start("mon", "ceph-mon", "-f", "-i", "a");
    await wait("Ceph's monitor", async () => (await tell("ceph", "--connect-timeout", "5", "mon", "stat")) !== null);
    await tell("sh", "-euc", MAKE_OSD);
    start("osd", "ceph-osd", "-f", "-i", "0");
    await wait("Ceph's OSD", async () => (await tell("ceph", "osd", "stat")).stdout.includes("1 up"));
    const caps = ["mon", "allow rw", "osd", "allow rwx"];
    await tell("ceph", "auth", "get-or-create", "client.rgw.a", ...caps, "-o", "/var/lib/ceph/radosgw/keyring");
    start("gateway", "radosgw", "-f", "-n", "client.rgw.a");
    const endpoint = `http://127.0.0.1:${ports[2]}`;
    await wait("Ceph's gateway", async () => (await run("curl", ["-sf", "-o", "/dev/null", endpoint])) !== null);
    const [accessKey, secretKey] = [randomBytes(10).toString("hex"), randomBytes(20).toString("hex")];
    const keys = [`--access-key=${accessKey}`, `--secret-key=${secretKey}`];
    await tell("radosgw-admin", "user", "create", "--uid=bytes", "--display-name=bytes", ...keys);
    return { endpoint, region: "default", accessKey, secretKey, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
