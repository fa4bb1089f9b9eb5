/** What only a real host has: jails, memory that must be the same, disks, images that are not what they seem, metadata. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";

import type { GuestDisk, GuestReport, GuestSpec, ImageLocation } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";
import { ovsVsctl } from "@andromede/engines/openvswitch";
import { inEngineRoot, runProcess } from "@andromede/testkit/engines";

import { specOf } from "./support/bench-host.ts";
import { type QemuHost, startQemuHost } from "./support/qemu-host.ts";

const WAIT = { timeoutMs: 20_000, everyMs: 10 };

describe("QEMU host", () => {
  let host: QemuHost;
  before(async () => {
    host = await startQemuHost();
  });
  after(() => host.stop());

  const see = (id: string, what: string, fits: (report: GuestReport) => boolean): Promise<GuestReport> =>
    waitUntil(
      `guest to be ${what}`,
      async () => {
        const report = await host.client.getGuest(id);
        return report !== null && fits(report) && report;
      },
      WAIT,
    );
  const converged = (id: string, state: GuestReport["state"]): Promise<GuestReport> =>
    see(id, state, (report) => report.converged && report.state === state);
  const faulty = async (id: string): Promise<string> =>
    (await see(id, "faulty", ({ fault }) => fault !== undefined)).fault ?? "";

  async function put(
    context: { after(fn: () => Promise<void>): void },
    changes: Partial<GuestSpec> = {},
  ): Promise<GuestSpec> {
    const spec = specOf(host, changes);
    context.after(async () => {
      if (!(await host.client.deleteGuest(spec.id, 1_000_000))) return;
      await waitUntil("guest to be gone", async () => (await host.client.getGuest(spec.id)) === null, WAIT);
    });
    await host.client.putGuest(spec);
    return spec;
  }
  const change = async (spec: GuestSpec, changes: Partial<GuestSpec>): Promise<GuestSpec> => {
    const next = { ...spec, ...changes, generation: spec.generation + 1 };
    await host.client.putGuest(next);
    return next;
  };
  /** The next letter that the guest counts: its memory is the same as long as they follow each other. */
  async function count(guestId: string): Promise<string> {
    await waitUntil(
      "the guest's start",
      async () => (await host.client.consoleText(guestId, undefined)).includes("UP\r\n"),
      WAIT,
    );
    const before = (await host.client.consoleText(guestId, undefined)).length;
    const serial = await host.client.openStream(guestId, "serial");
    serial.write("c");
    const letter = await waitUntil(
      "the guest's letter",
      async () => (await host.client.consoleText(guestId, undefined)).slice(before) || false,
      WAIT,
    );
    serial.destroy();
    return letter;
  }
  /** The pid of QEMU itself. */
  const qemuOf = (guestId: string): number => {
    const pid = host
      .pids(guestId)
      .find((each) => readFileSync(`/proc/${each}/cmdline`, "utf8").startsWith("qemu-system"));
    if (pid === undefined) throw new Error(`no QEMU of ${guestId}`);
    return pid;
  };
  const statusOf = (pid: number): Map<string, string> =>
    new Map(
      readFileSync(`/proc/${pid}/status`, "utf8")
        .split("\n")
        .map((line) => line.split(":\t") as [string, string]),
    );

  /** An image of the given bytes, found by the host under a path. */
  function image(
    bytes: Buffer,
    format: "raw" | "qcow2",
    changes: { sha512?: string; sizeGib?: number; sizeBytes?: number } = {},
  ): { disks: GuestDisk[]; images: ImageLocation[] } {
    const imageId = newUuid();
    const path = join(dirname(host.dataDir), imageId);
    writeFileSync(path, bytes);
    const sha512 = changes.sha512 ?? createHash("sha512").update(bytes).digest("hex");
    const source = { kind: "image", imageId, sha512, format, sizeBytes: changes.sizeBytes ?? bytes.length } as const;
    return {
      disks: [{ id: "root", source, sizeGib: changes.sizeGib ?? 1, bootIndex: 0 }],
      images: [{ imageId, path }],
    };
  }
  async function qcow2(...args: string[]): Promise<Buffer> {
    const directory = join(dirname(host.dataDir), newUuid());
    mkdirSync(directory);
    const path = join(directory, "image");
    await runProcess(
      inEngineRoot(
        host.ovs.engineRoot,
        [directory],
        ["qemu-img", "create", "-q", "-f", "qcow2", ...args.map((each) => (each === "PATH" ? path : each))],
      ),
    );
    return readFileSync(path);
  }

  test("a guest is alone: its own user, no capability, system calls filtered, nothing to see but its own", async (context) => {
    const [one, two] = [await put(context), await put(context)];
    await Promise.all([converged(one.id, "running"), converged(two.id, "running")]);
    const pid = qemuOf(one.id);
    const status = statusOf(pid);
    const uid = status.get("Uid")?.split("\t")[0];
    assert.notEqual(uid, "0");
    assert.notEqual(uid, statusOf(qemuOf(two.id)).get("Uid")?.split("\t")[0]);
    assert.equal(status.get("Groups")?.trim(), "");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      assert.equal(status.get(set), "0000000000000000", set);
    assert.equal(status.get("NoNewPrivs"), "1");
    assert.equal(status.get("Seccomp"), "2");
    assert.deepEqual(readdirSync(`/proc/${pid}/root`).toSorted(), [
      "bin",
      "dev",
      "etc",
      "guest",
      "lib",
      "lib64",
      "sbin",
      "usr",
    ]);
    assert.deepEqual(readdirSync(`/proc/${pid}/root/guest/disks`), ["root.qcow2"]);
    assert.equal(readdirSync(`/proc/${pid}/root/guest/base`).length, 1);
    assert.deepEqual(readdirSync(`/proc/${pid}/root/etc`), ["ld.so.cache"]);
    const namespace = (name: string): string => String(statSync(`/proc/${pid}/ns/${name}`).ino);
    for (const name of ["pid", "mnt", "ipc", "uts", "net"])
      assert.notEqual(namespace(name), String(statSync(`/proc/self/ns/${name}`).ino), name);
    const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    assert.match(groups, new RegExp(`-host1/${one.id}$`, "m"));
  });

  test("memory survives suspension, and the agent's death; both leave the guest's count as it was", async (context) => {
    let spec = await put(context);
    await converged(spec.id, "running");
    assert.equal(await count(spec.id), "A");
    const pid = qemuOf(spec.id);
    await host.crashAgent();
    await host.startAgent();
    await converged(spec.id, "running");
    assert.equal(qemuOf(spec.id), pid);
    assert.equal(await count(spec.id), "B");
    spec = await change(spec, { power: "suspended" });
    await converged(spec.id, "suspended");
    assert.deepEqual(host.pids(spec.id), []);
    // Suspended under one agent, resumed under another.
    await host.crashAgent();
    await host.startAgent();
    await converged(spec.id, "suspended");
    spec = await change(spec, { power: "running" });
    await converged(spec.id, "running");
    assert.equal(await count(spec.id), "C");
    assert.deepEqual(
      readdirSync(join(host.dataDir, "guests", spec.id, "run")).filter((name) => name === "state"),
      [],
    );
    await host.client.rebootGuest(spec.id, "hard", "n");
    await see(spec.id, "rebooted", ({ rebootNonce, converged: settled }) => rebootNonce === "n" && settled);
    await waitUntil(
      "the new start",
      async () => (await host.client.consoleText(spec.id, undefined)).split("UP\r\n").length === 3,
      WAIT,
    );
    assert.equal(await count(spec.id), "A");
  });

  test("what the guest says while the agent is away is not lost", async (context) => {
    const spec = await put(context);
    await converged(spec.id, "running");
    await host.crashAgent();
    const console = join(host.dataDir, "guests", spec.id, "console.log");
    const known = existsSync(console) ? readFileSync(console, "utf8") : "";
    // Its BIOS alone takes longer than the agent took to die; nobody but the guest writes now.
    await host.startAgent();
    await waitUntil(
      "the guest's greeting",
      async () => (await host.client.consoleText(spec.id, undefined)).endsWith("TINY GUEST UP\r\n"),
      WAIT,
    );
    const text = await host.client.consoleText(spec.id, undefined);
    assert.ok(text.startsWith(known));
    assert.equal(text.split("TINY GUEST UP").length, 2);
  });

  test("the agent dies at any moment of a start: the guest comes up all the same", async (context) => {
    for (let delay = 0; delay < 8; delay += 1) {
      const spec = await put(context, { configDrive: true });
      const file =
        [
          "root.qcow2.partial",
          "root.qcow2",
          "machine.json",
          "process.json",
          "qmp.sock",
          "serial.sock",
          "console.log",
          "config-drive.iso",
        ][delay] ?? "";
      await waitUntil(
        `${file}, or the end`,
        async () => {
          const directory = join(host.dataDir, "guests", spec.id);
          return (
            ["", "disks", "run"].some((below) => existsSync(join(directory, below, file))) ||
            ((await host.client.getGuest(spec.id))?.converged ?? false)
          );
        },
        { timeoutMs: 30_000, everyMs: 1 },
      );
      await host.crashAgent();
      await host.startAgent();
      await converged(spec.id, "running");
      assert.equal(await count(spec.id), "A");
      assert.equal(
        host.pids(spec.id).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("qemu-system"))
          .length,
        1,
      );
    }
  });

  test("remains of guests that nobody wants are removed at the start", async (context) => {
    const spec = await put(context);
    await converged(spec.id, "running");
    await host.crashAgent();
    const ledger = join(host.dataDir, "ledger", `${spec.id}.json`);
    writeFileSync(ledger, JSON.stringify({ gone: { generation: 1, atMs: Date.now() } }));
    await host.startAgent();
    await waitUntil("nothing to be left", async () => (await host.remains(spec.id)).length === 0, WAIT);
  });

  test("an image that is not what it should be is a fault in words, and leaves nothing half-made", async (context) => {
    const bytes = Buffer.alloc(1024 * 1024, 7);
    const wrongSum = await put(context, image(bytes, "raw", { sha512: "0".repeat(128) }));
    assert.match(await faulty(wrongSum.id), /^Image \S+ is damaged: its checksum is not the one recorded$/);
    const short = await put(context, image(bytes, "raw", { sizeBytes: bytes.length + 1 }));
    assert.match(await faulty(short.id), /is damaged: it has 1048576 bytes, not 1048577$/);
    const large = await put(context, image(await qcow2("PATH", "3G"), "qcow2"));
    assert.match(await faulty(large.id), /is larger than the disk: it needs 3 GiB, the disk has 1$/);
    const backed = await put(
      context,
      image(await qcow2("-b", "/etc/shadow", "-F", "raw", "-u", "PATH", "1G"), "qcow2"),
    );
    assert.match(await faulty(backed.id), /refers to another file$/);
    const noImage = await put(context, image(bytes, "qcow2"));
    assert.match(await faulty(noImage.id), /is not a readable qcow2 image$/);
    const cached = readdirSync(join(host.dataDir, "images"));
    assert.ok(
      cached.every((name) => !name.endsWith(".partial")),
      cached.join(),
    );
    for (const { images } of [wrongSum, short, backed, noImage]) assert.ok(!cached.includes(images[0]?.imageId ?? ""));
    // The customer takes a larger flavor.
    await change(large, { disks: large.disks.map((disk) => ({ ...disk, sizeGib: 3 })) });
    await converged(large.id, "running");
  });

  test("one image is copied once for many guests, and disks have the size they should", async (context) => {
    const { disk, images } = host.disk(2);
    const blank: GuestDisk = { id: newUuid(), source: { kind: "empty" }, sizeGib: 1 };
    const specs = await Promise.all([1, 2, 3].map(() => put(context, { disks: [disk, blank], images })));
    await Promise.all(specs.map(({ id }) => converged(id, "running")));
    const copies = host
      .agentLog()
      .split("\n")
      .filter((line) => line.includes('"image cached"') && line.includes(`"${images[0]?.imageId}"`));
    assert.equal(copies.length, 1);
    const [spec] = specs;
    assert.ok(spec !== undefined);
    const virtualSize = async (name: string): Promise<number> => {
      const disks = join(host.dataDir, "guests", spec.id, "disks");
      const info = await runProcess(
        inEngineRoot(host.ovs.engineRoot, [disks], ["qemu-img", "info", "-U", "--output=json", join(disks, name)]),
      );
      return (JSON.parse(info) as { "virtual-size": number })["virtual-size"];
    };
    assert.equal(await virtualSize("root.qcow2"), 2 * 2 ** 30);
    assert.equal(await virtualSize(`${blank.id}.qcow2`), 2 ** 30);
    const stopped = await change(spec, { power: "stopped" });
    await converged(spec.id, "stopped");
    const shrunk = await change(stopped, { disks: [{ ...disk, sizeGib: 1 }, blank] });
    assert.equal(await faulty(spec.id), "Disk root cannot shrink from 2 to 1 GiB");
    await change(shrunk, { power: "running", disks: [{ ...disk, sizeGib: 5 }] });
    await converged(spec.id, "running");
    assert.equal(await virtualSize("root.qcow2"), 5 * 2 ** 30);
    assert.ok(!existsSync(join(host.dataDir, "guests", spec.id, "disks", `${blank.id}.qcow2`)));
  });

  test("the config drive holds what the spec says", async (context) => {
    const files = {
      "openstack/latest/meta_data.json": '{"uuid":"u"}',
      "ec2/latest/meta-data.json": "{}",
      "latest/meta-data/hostname": "not here",
    };
    const binaryFiles = { "openstack/latest/user_data": Buffer.from([0x1f, 0x8b, 0x00, 0xff]).toString("base64") };
    const spec = await put(context, { configDrive: true, metadata: { files, binaryFiles } });
    await converged(spec.id, "running");
    const drive = readFileSync(join(host.dataDir, "guests", spec.id, "config-drive.iso"));
    assert.equal(drive.toString("latin1", 0x8028, 0x8048).trimEnd(), "config-2");
    assert.ok(drive.includes('{"uuid":"u"}'));
    assert.ok(drive.includes(Buffer.from([0x1f, 0x8b, 0x00, 0xff])));
    assert.ok(!drive.includes("not here"));
    assert.deepEqual(
      readdirSync(join(host.dataDir, "guests", spec.id)).filter((name) => name.startsWith("config-drive")),
      ["config-drive.iso"],
    );
  });

  test("169.254.169.254 answers each guest of each network with its own, also after the agent's death", async (context) => {
    const networks = [1, 2].map((at) => ({
      id: newUuid(),
      metadataPort: { id: newUuid(), macAddress: `fa:16:3e:0${at}:00:02`, addresses: ["10.0.0.2/24"] },
    }));
    const [one, two] = await Promise.all(
      networks.map(({ id, metadataPort }, at) =>
        put(context, {
          networks: [{ id, metadataPort }],
          addresses: [{ networkId: id, address: "10.0.0.9" }],
          metadata: {
            files: {
              "openstack/latest/meta_data.json": `{"network":${at}}`,
              "latest/meta-data/hostname": `host-${at}`,
            },
          },
        }),
      ),
    );
    assert.ok(one !== undefined && two !== undefined);
    const networkId = networks[0]?.id ?? "";
    // Somebody on the first network: a port of the switch in a namespace, with the first guest's address.
    const guest = `${host.namespace}-probe`;
    const inGuest = (...argv: string[]): Promise<string> =>
      runProcess(["nsenter", `--net=/run/netns/${guest}`, ...argv]);
    await runProcess(["ip", "netns", "add", guest]);
    context.after(async () => {
      await runProcess(["ip", "netns", "del", guest]);
    });
    const device = await waitUntil("the metadata port", async () => (await metadataDevices()).get(networkId), WAIT);
    await waitUntil("the proxy's namespace", () => existsSync(`/run/netns/${host.namespace}-meta-${networkId}`), WAIT);
    // Networks are apart in OVN; here, on a plain switch, by a tag.
    await ovsVsctl(host.ovs, [
      "set",
      "Port",
      device,
      "tag=7",
      "--",
      "add-port",
      "br-int",
      "probe",
      "tag=7",
      "--",
      "set",
      "Interface",
      "probe",
      "type=internal",
    ]);
    await runProcess(["ip", "-n", host.namespace, "link", "set", "probe", "netns", guest]);
    await inGuest("ip", "address", "add", "10.0.0.9/24", "dev", "probe");
    await inGuest("ip", "link", "set", "probe", "up");
    await inGuest("ip", "route", "add", "169.254.169.254/32", "via", "10.0.0.2");
    const ask = (path: string, ...headers: string[]): Promise<string> =>
      inGuest(
        process.execPath,
        "-e",
        `fetch("http://169.254.169.254/${path}", { headers: ${JSON.stringify(Object.fromEntries(headers.map((each) => each.split(": "))))}, signal: AbortSignal.timeout(3000) }).then(async (r) => process.stdout.write(r.status + " " + await r.text()))`,
      );
    const answers = (path: string, wanted: string, ...headers: string[]): Promise<true> =>
      waitUntil(`${path} to be ${wanted}`, async () => (await ask(path, ...headers)) === wanted, {
        timeoutMs: 20_000,
        everyMs: 100,
      });
    await answers("openstack/latest/meta_data.json", '200 {"network":0}');
    await answers("latest/meta-data/", "200 hostname");
    await answers("nothing", "404 404 Not Found\n");
    // A guest that claims to be another is not believed.
    const [, second] = networks;
    await answers(
      "latest/meta-data/hostname",
      "200 host-0",
      "X-Forwarded-For: 10.0.0.1",
      `X-OVN-Network-ID: ${second?.id}`,
    );
    await host.crashAgent();
    await host.startAgent();
    await answers("latest/meta-data/hostname", "200 host-0");
    await host.client.deleteGuest(one.id, 2);
    await waitUntil(
      "the proxy to be gone",
      async () =>
        !existsSync(`/run/netns/${host.namespace}-meta-${networkId}`) && !(await metadataDevices()).has(networkId),
      WAIT,
    );
    assert.equal((await metadataDevices()).size, 1);
  });

  /** Network id -> the device of its metadata port. */
  async function metadataDevices(): Promise<Map<string, string>> {
    return waitUntil(
      "metadata ports",
      async () => {
        const output = await ovsVsctl(host.ovs, [
          "--columns=name,external_ids",
          "--format=json",
          "find",
          "Interface",
          "type=internal",
        ]);
        const { data } = JSON.parse(output) as { data: [string, ["map", [string, string][]]][] };
        const found = data.flatMap(([name, [, ids]]): [string, string][] => {
          const network = new Map(ids).get("andromede-network");
          return network === undefined ? [] : [[network, name]];
        });
        return found.length > 0 && new Map(found);
      },
      WAIT,
    );
  }
});
