import assert from "node:assert/strict";
import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { test } from "node:test";

import { merge, newLuksHeader, sectorIv } from "./luks.ts";

/** A header as QEMU makes it, but for all that is chance. */
function pattern(): Buffer {
  const header = Buffer.alloc(2_068_480);
  header.write("LUKS\u00ba\u00be\0\u0001aes", 0, "latin1");
  header.write("xts-plain64", 40, "latin1");
  header.write("sha256", 72, "latin1");
  header.writeUInt32BE(4040, 104);
  header.writeUInt32BE(64, 108);
  for (let slot = 0; slot < 8; slot += 1) {
    const at = 208 + slot * 48;
    header.writeUInt32BE(0xdead, at);
    header.writeUInt32BE(8 + slot * 504, at + 40);
    header.writeUInt32BE(4000, at + 44);
  }
  return header;
}

/** Opens the first slot as a reader of the format does; null: that passphrase does not. */
function masterKeyOf(header: Buffer, passphrase: string): Buffer | null {
  const slot = header.subarray(208);
  const key = pbkdf2Sync(passphrase, slot.subarray(8, 40), slot.readUInt32BE(4), 64, "sha256");
  const start = slot.readUInt32BE(40) * 512;
  const stripes = Buffer.concat(
    Array.from({ length: 500 }, (_none, sector) =>
      createDecipheriv("aes-256-xts", key, sectorIv(sector)).update(
        header.subarray(start + sector * 512, start + (sector + 1) * 512),
      ),
    ),
  );
  const masterKey = merge(stripes);
  const digest = pbkdf2Sync(masterKey, header.subarray(132, 164), header.readUInt32BE(164), 20, "sha256");
  return digest.equals(header.subarray(112, 132)) ? masterKey : null;
}

test("a header is opened by its passphrase, and by no other", async () => {
  const header = await newLuksHeader(pattern(), "right");
  assert.equal(masterKeyOf(header, "right")?.length, 64);
  assert.equal(masterKeyOf(header, "wrong"), null);
  assert.equal(header.readUInt32BE(208), 0xac71f3);
  assert.equal(header.readUInt32BE(208 + 48), 0xdead);
});

test("each has a master key of its own, also under the same passphrase", async () => {
  const [one, two] = await Promise.all([newLuksHeader(pattern(), "same"), newLuksHeader(pattern(), "same")]);
  const keys = [one, two].map((header) => masterKeyOf(header, "same")?.toString("hex"));
  assert.notEqual(keys[0], keys[1]);
  assert.notEqual(one.toString("latin1", 168, 204), two.toString("latin1", 168, 204));
});

test("another geometry than the known one is refused", async () => {
  const other = pattern();
  other.write("sha512", 72, "latin1");
  await assert.rejects(newLuksHeader(other, "right"), /another kind/);
});
