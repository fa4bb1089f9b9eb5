/** What is looked for in an image's bytes before it becomes one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { engineRoot } from "@andromede/testkit/engines";

import { reasonNotBootable } from "./images/image.model.ts";
import { findImage } from "./images/image.queries.ts";
import { bootImageById, imageForBoot } from "./public.ts";
import { DRIVERS, type UploadStand, startUploadStand } from "./testing/upload-stand.ts";

const MIB = 1024 * 1024;

for (const driver of DRIVERS) {
  describe(`what is inside images in ${driver}`, () => {
    let stand: UploadStand;
    let home: string;
    before(async () => {
      home = mkdtempSync(join(tmpdir(), "andromede-contents-"));
      stand = await startUploadStand(driver, home);
    });
    after(async () => {
      await stand.stop();
      rmSync(home, { recursive: true });
    });

    describe("contents", () => {
      const make = (...args: string[]): Buffer => {
        const directory = mkdtempSync(join(tmpdir(), "andromede-qcow2-"));
        try {
          const inRoot = [
            "--ro-bind",
            engineRoot(),
            "/",
            "--dev",
            "/dev",
            "--tmpfs",
            "/tmp",
            "--bind",
            directory,
            "/tmp",
          ];
          execFileSync("bwrap", [
            ...inRoot,
            "--chdir",
            "/tmp",
            "--",
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            ...args,
          ]);
          return readFileSync(join(directory, "disk.qcow2"));
        } finally {
          rmSync(directory, { recursive: true });
        }
      };

      it("of a qcow2 disk are looked into", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner, { disk_format: "qcow2" });
        assert.equal((await stand.put(owner, id, make("disk.qcow2", "1G"))).status, 204);
        assert.equal((await stand.show(owner, id))["virtual_size"], 1024 * MIB);
        const actor = { ...(stand.cloud.app.tokens.verify(owner.token, Date.now()) as never as object) } as never;
        const image = await imageForBoot(stand.cloud.app.db, { actor, plane: "customer" }, id);
        assert.deepEqual([image.format, image.virtualSizeBytes, image.name], ["qcow2", 1024 * MIB, "i"]);
        assert.equal(
          createHash("sha512")
            .update(readFileSync(await stand.fileOf(image)))
            .digest("hex"),
          image.sha512,
        );
        assert.deepEqual(await bootImageById(stand.cloud.app.db, id), image);
        const stranger = stand.cloud.app.tokens.verify(stand.somebody().token, Date.now()) as never;
        await assert.rejects(imageForBoot(stand.cloud.app.db, { actor: stranger, plane: "customer" }, id), {
          kind: "notFound",
        });
      });

      it("that could reach other files of the host, or promise too much, are refused", async () => {
        const owner = stand.somebody();
        const good = make("disk.qcow2", "1G");
        const claimSnapshots = (bytes: Buffer): void => {
          bytes.writeUInt32BE(65_536, 60);
          bytes.writeBigUInt64BE(0x30000n, 64);
        };
        const patched = (change: (bytes: Buffer) => void): Buffer => {
          const bytes = Buffer.from(good);
          change(bytes);
          return bytes;
        };
        const cases: [string, string, Buffer, RegExp][] = [
          ["backing file", "qcow2", make("-u", "-b", "/etc/shadow", "-F", "raw", "disk.qcow2", "1G"), /backing file/],
          [
            "data file",
            "qcow2",
            make("-o", "data_file=/tmp/x,data_file_raw=on", "disk.qcow2", "1G"),
            /external data file/,
          ],
          ["too large inside", "qcow2", make("disk.qcow2", "5G"), /virtual size of 5368709120 bytes exceeds/],
          [
            "unknown feature",
            "qcow2",
            patched((bytes) => bytes.writeUInt8(0x80, 72)),
            /features that are not supported/,
          ],
          ["corrupt", "qcow2", patched((bytes) => bytes.writeUInt8(2, 79)), /marked corrupt/],
          [
            "broken tables",
            "qcow2",
            patched((bytes) => bytes.writeBigUInt64BE(0xffff_ffff_ffffn, 40)),
            /cannot be read/,
          ],
          ["65,536 snapshots", "qcow2", patched(claimSnapshots), /takes too much to inspect/],
          ["a header alone", "qcow2", good.subarray(0, 60), /not supported/],
          ["qcow2 declared raw", "raw", good, /does not match disk format raw/],
          [
            "vmdk declared raw",
            "raw",
            Buffer.concat([Buffer.from("# Disk DescriptorFile\n"), Buffer.alloc(600)]),
            /does not match disk format raw/,
          ],
        ];
        for (const [what, format, data, expected] of cases) {
          const id = await stand.create(owner, { disk_format: format });
          const answer = await stand.putSized(owner, id, data);
          assert.deepEqual([what, answer.status], [what, 400], answer.text);
          assert.match(answer.text, expected, what);
          await stand.assertUntouched(owner, id);
        }
      });

      it("that are merely not what they were declared to be are kept, but not booted", async () => {
        const owner = stand.somebody();
        const actor = stand.cloud.app.tokens.verify(owner.token, Date.now()) as never;
        for (const container of ["ami", "ari", "aki", "bare", "ovf", "ova"]) {
          for (const format of ["ami", "ari", "aki", "vhd", "vmdk", "raw", "qcow2", "vdi", "iso"]) {
            const id = await stand.create(owner, { disk_format: format, container_format: container });
            assert.equal((await stand.put(owner, id, randomBytes(1024))).status, 204, `${container} ${format}`);
            assert.equal((await stand.show(owner, id))["status"], "active");
            const bootable =
              (container === "bare" && ["raw", "iso", "ami"].includes(format)) ||
              (container === "ami" && format === "ami");
            const attempt = imageForBoot(stand.cloud.app.db, { actor, plane: "customer" }, id);
            if (bootable) assert.equal((await attempt).format, "raw");
            else await assert.rejects(attempt, { kind: "invalid" }, `${container} ${format}`);
          }
        }
      });

      it("are not booted before they are there, nor while deactivated", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        const image = await findImage(stand.cloud.app.db, id);
        assert.match(reasonNotBootable(image as never) ?? "", /is not active/);
        assert.equal(await bootImageById(stand.cloud.app.db, id), null);
        await stand.put(owner, id, Buffer.from("x"));
        assert.notEqual(await bootImageById(stand.cloud.app.db, id), null);
        await stand.cloud.inject({
          method: "POST",
          url: `/image/v2/images/${id}/actions/deactivate`,
          token: owner.token,
        });
        assert.equal(await bootImageById(stand.cloud.app.db, id), null);
      });
    });
  });
}
