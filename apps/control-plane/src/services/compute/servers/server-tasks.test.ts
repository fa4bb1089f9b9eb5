import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { ServerMode, TaskName, TaskStep } from "./server.model.ts";
import { difference, heldOf, heldOnHost, heldOnOther, nextOf, showsRescue, wantedPower } from "./server-tasks.ts";

/** Each longer change: the steps it goes through, with Nova's name of what it is at, and what it ends as. */
const COURSES: {
  name: string;
  reimageId?: string;
  steps: (readonly [task: TaskName, step: TaskStep])[];
  end: ServerMode;
}[] = [
  {
    name: "rebuild",
    steps: [
      ["rebuilding", "stop"],
      ["rebuilding", "apply"],
    ],
    end: "ordinary",
  },
  {
    name: "rebuild of a server that boots from a volume",
    reimageId: "i",
    steps: [
      ["rebuilding", "stop"],
      ["rebuilding", "reimage"],
      ["rebuilding", "apply"],
    ],
    end: "ordinary",
  },
  {
    name: "resize on one host",
    steps: [
      ["resize_prep", "stop"],
      ["resize_finish", "apply"],
    ],
    end: "resized",
  },
  {
    name: "revert",
    steps: [
      ["resize_reverting", "stop"],
      ["resize_reverting", "apply"],
    ],
    end: "ordinary",
  },
  {
    name: "revert from another host",
    steps: [
      ["resize_reverting", "offload"],
      ["resize_reverting", "apply"],
    ],
    end: "ordinary",
  },
  { name: "confirm", steps: [["resize_confirming", "offload"]], end: "ordinary" },
  {
    name: "rescue",
    steps: [
      ["rescuing", "stop"],
      ["rescuing", "apply"],
    ],
    end: "rescued",
  },
  {
    name: "unrescue",
    steps: [
      ["unrescuing", "stop"],
      ["unrescuing", "apply"],
    ],
    end: "ordinary",
  },
  {
    name: "shelve what is on a volume",
    steps: [
      ["shelving", "stop"],
      ["shelving_offloading", "offload"],
    ],
    end: "shelved_offloaded",
  },
  { name: "unshelve", steps: [["unshelving", "apply"]], end: "ordinary" },
  { name: "soft deletion", steps: [["soft-deleting", "stop"]], end: "soft-delete" },
  { name: "restore", steps: [["restoring", "apply"]], end: "ordinary" },
];

describe("what follows what", () => {
  for (const { name, steps, end, reimageId = null } of COURSES) {
    test(name, () => {
      for (const [index, [task, taskStep]] of steps.entries()) {
        const next = nextOf({ task, taskStep, shelvedImageId: null, reimageId });
        const after = steps[index + 1];
        if (after === undefined) assert.deepEqual(next, { end });
        else assert.deepEqual(next !== null && "to" in next ? [next.task, next.to] : next, [...after]);
      }
    });
  }

  test("a disk that is a file is copied before its host is left", () => {
    const copied = { shelvedImageId: "i", taskStep: "stop", reimageId: null } as const;
    assert.deepEqual(nextOf({ task: "shelving", ...copied }), { to: "copy", task: "shelving_image_uploading" });
    assert.deepEqual(nextOf({ task: "resize_prep", ...copied }), { to: "copy", task: "resize_migrating" });
    for (const task of ["shelving_image_uploading", "resize_migrating"] as const)
      assert.equal(nextOf({ task, ...copied, taskStep: "copy" }), null);
  });

  test("an image that is being made changes nothing", () => {
    for (const task of ["image_snapshot", "image_backup", "image_uploading"] as const)
      assert.equal(nextOf({ task, taskStep: "image", shelvedImageId: null, reimageId: null }), null);
  });
});

describe("what the guest is to be", () => {
  const facts = { task: null, taskStep: null, mode: "ordinary", power: "running" } as const;
  test("off while a step wants it off, and while it is put away", () => {
    assert.equal(wantedPower(facts), "running");
    for (const taskStep of ["stop", "copy", "offload", "reimage"] as const)
      assert.equal(wantedPower({ ...facts, task: "shelving", taskStep }), "stopped");
    for (const mode of ["shelved", "soft-delete"] as const) {
      assert.equal(wantedPower({ ...facts, mode }), "stopped");
      assert.equal(wantedPower({ ...facts, mode, task: "unshelving", taskStep: "apply" }), "running");
    }
    assert.equal(wantedPower({ ...facts, mode: "resized", power: "stopped" }), "stopped");
  });

  test("with the rescue disk from when it is applied to when it is taken away", () => {
    assert.equal(showsRescue(facts), false);
    assert.equal(showsRescue({ ...facts, task: "rescuing", taskStep: "stop" }), false);
    assert.equal(showsRescue({ ...facts, task: "rescuing", taskStep: "apply" }), true);
    assert.equal(showsRescue({ ...facts, mode: "rescued" }), true);
    assert.equal(showsRescue({ ...facts, mode: "rescued", task: "unrescuing", taskStep: "stop" }), true);
    assert.equal(showsRescue({ ...facts, mode: "rescued", task: "unrescuing", taskStep: "apply" }), false);
  });
});

test("between two flavors the larger of each is held; between two hosts each holds its own", () => {
  const flavor = (vcpus: number, ramMib: number, diskGib: number) => ({
    name: "f",
    vcpus,
    ramMib,
    diskGib,
    ephemeralGib: 0,
    swapMib: 0,
    extraSpecs: {},
  });
  const image = { sha512: "00", format: "qcow2", sizeBytes: 1 } as const;
  const server = { flavor: flavor(1, 512, 5), otherFlavor: flavor(2, 256, 3), otherHost: null, rootGib: 4, image };
  assert.deepEqual(heldOf(server), { vcpus: 2, memoryMib: 512, diskGib: 5 });
  assert.deepEqual(heldOnHost(server), heldOf(server));
  const apart = { ...server, otherHost: "host2" };
  assert.deepEqual(heldOnHost(apart), { vcpus: 1, memoryMib: 512, diskGib: 5 });
  assert.deepEqual(heldOnOther(apart), { vcpus: 2, memoryMib: 256, diskGib: 4 });
  assert.deepEqual(difference(heldOf(server), heldOnHost(apart)), { vcpus: 1, memoryMib: 0, diskGib: 0 });
  // a root disk that is a volume takes nothing of a host; the flavor's other disks do
  const onVolume = { ...server, image: null, otherFlavor: { ...flavor(2, 256, 3), ephemeralGib: 7, swapMib: 512 } };
  assert.deepEqual(heldOf(onVolume), { vcpus: 2, memoryMib: 512, diskGib: 8 });
  assert.deepEqual(heldOnHost({ ...onVolume, otherHost: "host2" }), { vcpus: 1, memoryMib: 512, diskGib: 0 });
});
