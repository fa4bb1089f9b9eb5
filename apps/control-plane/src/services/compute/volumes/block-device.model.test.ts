import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { readBlockDevices, settleBlockDevices } from "./block-device.model.ts";
import type { BlockDeviceBody, LegacyBlockDeviceBody } from "./block-device.schema.ts";

const IMAGE = "11111111-1111-1111-1111-111111111111";
const VOLUME = "22222222-2222-2222-2222-222222222222";
const flavor = { ephemeralGib: 2, swapMib: 512 };

const resolve = (imageId: string, devices: BlockDeviceBody[], legacy: LegacyBlockDeviceBody[] = []) => {
  const { imageId: root, disks } = settleBlockDevices(readBlockDevices(imageId, legacy, devices), flavor);
  return {
    imageId: root,
    disks: disks.map((d) => [d.deviceName, d.sourceType, d.destinationType, d.sizeGib, d.bootIndex]),
  };
};
const imageRoot: BlockDeviceBody = { source_type: "image", destination_type: "local", uuid: IMAGE, boot_index: 0 };

describe("block device mappings", () => {
  test("an image alone brings none", () => assert.deepEqual(resolve(IMAGE, []), { imageId: IMAGE, disks: [] }));

  test("a volume beside the image comes after the flavor's disks", () => {
    const volume: BlockDeviceBody = { source_type: "volume", uuid: VOLUME, boot_index: -1 };
    assert.deepEqual(resolve(IMAGE, [imageRoot, volume]), {
      imageId: IMAGE,
      disks: [["/dev/vdd", "volume", "volume", null, null]],
    });
  });

  test("a root that is a volume leaves the server without an image, whatever imageRef says", () => {
    const root: BlockDeviceBody = {
      source_type: "image",
      destination_type: "volume",
      uuid: IMAGE,
      boot_index: "0",
      volume_size: "8",
    };
    const expected = { imageId: "", disks: [["/dev/vda", "image", "volume", 8, 0]] };
    assert.deepEqual(resolve("", [root]), expected);
    assert.deepEqual(resolve(IMAGE, [root]), expected);
  });

  test("blank disks on the host take the place of the flavor's", () => {
    const ephemeral: BlockDeviceBody = { source_type: "blank", volume_size: 1 };
    const swap: BlockDeviceBody = {
      source_type: "blank",
      destination_type: "local",
      guest_format: "swap",
      volume_size: 256,
    };
    assert.deepEqual(resolve(IMAGE, [imageRoot, swap, ephemeral]), {
      imageId: IMAGE,
      disks: [
        ["/dev/vdb", "blank", "local", 1, null],
        ["/dev/vdc", "blank", "local", 1, null],
      ],
    });
  });

  test("names that virtio can have are kept, others are not", () => {
    const named = (name: string): BlockDeviceBody => ({ source_type: "volume", uuid: VOLUME, device_name: name });
    assert.deepEqual(
      resolve(IMAGE, [imageRoot, named("vdf"), named("/dev/sdb")]).disks.map(([name]) => name),
      ["/dev/vdf", "/dev/vdd"],
    );
  });

  test("the older form: a volume under the root's name is the root; beside an image it may not be", () => {
    const legacy = [{ device_name: "vda", volume_id: VOLUME }];
    assert.deepEqual(resolve("", [], legacy), { imageId: "", disks: [["/dev/vda", "volume", "volume", null, 0]] });
    assert.throws(() => resolve(IMAGE, [], legacy), /same device name as the root device/);
    assert.deepEqual(resolve(IMAGE, [], [{ device_name: "vdf", volume_id: VOLUME }]).disks.length, 1);
  });

  const refused: [name: string, imageId: string, devices: BlockDeviceBody[], words: RegExp][] = [
    ["no root at all", "", [], /Invalid imageRef/],
    ["a volume that nothing boots from", "", [{ source_type: "volume", uuid: VOLUME }], /Boot sequence/],
    [
      "a gap in the sequence",
      IMAGE,
      [imageRoot, { source_type: "volume", uuid: VOLUME, boot_index: 2 }],
      /Boot sequence/,
    ],
    [
      "the same index twice",
      IMAGE,
      [imageRoot, { source_type: "volume", uuid: VOLUME, boot_index: 0 }],
      /Boot sequence/,
    ],
    [
      "an image on the host that is not the root",
      IMAGE,
      [imageRoot, { ...imageRoot, boot_index: 1 }],
      /image to local/,
    ],
    ["a blank root", "", [{ source_type: "blank", volume_size: 1, boot_index: 0 }], /Boot sequence/],
    ["a source that is not named", IMAGE, [imageRoot, { source_type: "snapshot" }], /Missing device UUID/],
    ["a blank with an id", IMAGE, [imageRoot, { source_type: "blank", uuid: VOLUME }], /Invalid device UUID/],
    [
      "a volume on the host",
      IMAGE,
      [imageRoot, { source_type: "volume", uuid: VOLUME, destination_type: "local" }],
      /to local/,
    ],
    ["a type on the host", IMAGE, [{ ...imageRoot, volume_type: "x" }], /volume_type with destination_type=local/],
    [
      "a type for a volume there is",
      IMAGE,
      [imageRoot, { source_type: "volume", uuid: VOLUME, volume_type: "x" }],
      /existing volume/,
    ],
    ["no size for an image's volume", "", [{ ...imageRoot, destination_type: "volume" }], /non-zero size/],
    [
      "no size for a blank volume",
      IMAGE,
      [imageRoot, { source_type: "blank", destination_type: "volume" }],
      /non-zero size/,
    ],
    ["too large an ephemeral disk", IMAGE, [imageRoot, { source_type: "blank", volume_size: 3 }], /Ephemeral disks/],
    [
      "too large a swap",
      IMAGE,
      [imageRoot, { source_type: "blank", guest_format: "swap", volume_size: 600 }],
      /Swap drive/,
    ],
    [
      "two swaps",
      IMAGE,
      [imageRoot, { source_type: "blank", guest_format: "swap" }, { source_type: "blank", guest_format: "swap" }],
      /More than one swap/,
    ],
  ];
  for (const [name, imageId, devices, words] of refused) {
    test(`refused: ${name}`, () => assert.throws(() => resolve(imageId, devices), words));
  }

  test("both syntaxes at once are refused", () =>
    assert.throws(
      () => resolve(IMAGE, [imageRoot], [{ volume_id: VOLUME }]),
      /different block_device_mapping syntaxes/,
    ));
});
