import assert from "node:assert/strict";
import { it } from "node:test";

import { type PlannedImage, planImage } from "./image.plan.ts";

const image: PlannedImage = {
  status: "active",
  uploadId: "u",
  checksum: "c",
  uploadLapsed: false,
  lapsesInMs: 0,
  ageMs: 60_000,
};

const table: [string, Partial<PlannedImage> | null, object][] = [
  ["is gone", null, { step: "nothing" }],
  ["is queued", { status: "queued", uploadId: null, checksum: null }, { step: "nothing" }],
  ["is being uploaded", { status: "saving", checksum: null, lapsesInMs: 900 }, { step: "wait", ms: 1000 }],
  [
    "was being uploaded by somebody who died",
    { status: "saving", checksum: null, uploadLapsed: true },
    { step: "undo-upload", uploadId: "u" },
  ],
  ["is complete", {}, { step: "nothing" }],
  ["lacks its checksum", { checksum: null }, { step: "hash", uploadId: "u" }],
  ["lacks its checksum while deactivated", { checksum: null, status: "deactivated" }, { step: "hash", uploadId: "u" }],
  ["was uploaded just now", { checksum: null, ageMs: 1_000 }, { step: "hash-later", ms: 4_000 }],
  ["is to go", { status: "deleting" }, { step: "remove", uploadId: "u" }],
  ["is to go and never had bytes", { status: "deleting", uploadId: null }, { step: "remove", uploadId: null }],
];

for (const [what, change, expected] of table) {
  it(`an image that ${what}`, () =>
    assert.deepEqual(planImage(change === null ? null : { ...image, ...change }), expected));
}
