import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { useCloud } from "../support/cloud.ts";
import { itIsSealedAtRest } from "./at-rest.ts";
import { itSurvivesWhoGoesAway } from "./broken-off.ts";
import { itKeepsWhatIsLocked } from "./compliance.ts";
import { itTakesNamesAsTheyAre } from "./names.ts";
import { itKeepsProjectsApart } from "./other-project.ts";
import { itChecksSignatures } from "./signatures.ts";
import { itReadsRequestsInOneWay } from "./smuggling.ts";
import { type World, makeWorld } from "./world.ts";

describe("object storage, against those who should not", () => {
  let made: World | undefined;
  const world = (): World => {
    assert.ok(made !== undefined);
    return made;
  };

  before(async () => {
    made = await makeWorld(await useCloud());
  });
  after(() => made?.end());

  describe("what is stored is sealed", () => itIsSealedAtRest(world));
  describe("another project's is out of reach", () => itKeepsProjectsApart(world));
  describe("signatures that are not right open nothing", () => itChecksSignatures(world));
  describe("names are names, and nothing else", () => itTakesNamesAsTheyAre(world));
  describe("requests are read in one way only", () => itReadsRequestsInOneWay(world));
  describe("who goes away in the middle spoils nothing", () => itSurvivesWhoGoesAway(world));
  describe("what is locked in compliance mode stays", () => itKeepsWhatIsLocked(world));

  it("nothing of all this was the store's own failing", () => {
    const { heard, log } = world();
    assert.ok(heard.length > 300, `${heard.length} answers`);
    // 501 is S3's word for what is not offered
    assert.deepEqual(
      heard.filter(({ status }) => status >= 500 && status !== 501),
      [],
    );
    assert.deepEqual(
      log()
        .split("\n")
        .filter((line) => line.includes('"level":50') || line.includes('"level":60')),
      [],
    );
  });
});
