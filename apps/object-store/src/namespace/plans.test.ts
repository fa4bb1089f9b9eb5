import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { planContainer } from "./container.plan.ts";
import type { ContainerSettings } from "./container.model.ts";
import { after, compareNames, endOfPrefix, isBucketName, spanOf } from "./names.ts";
import { checkCondition } from "./plan-condition.ts";
import { type Expected, planDelete } from "./plan-delete.ts";
import { checkRetention, isProtected, lockedBy } from "./plan-lock.ts";
import { checkQuota, planPut } from "./plan-put.ts";
import type { Version } from "./version.model.ts";
import { weighed } from "./version.model.ts";

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const at = (ms: number): string => new Date(NOW + ms).toISOString();

/** `v3*`: version v3, current; `d2`: a delete marker; `n1`: the null version; `L`: locked. Newest first. */
function versions(text: string): Version[] {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => {
      const sequence = Number(/\d+/.exec(word)?.[0]);
      return {
        sequence,
        versionId: word.includes("n") ? "null" : `v${sequence}`,
        isCurrent: word.includes("*"),
        isDeleteMarker: word.includes("d"),
        size: word.includes("d") ? 0 : 10,
        etag: `e${sequence}`,
        modifiedAt: new Date(NOW - HOUR),
        deleteAt: word.includes("E") ? new Date(NOW) : null,
        retention: word.includes("L") ? { mode: "COMPLIANCE", until: at(HOUR) } : null,
        legalHold: null,
        packed: true,
      };
    });
}

const show = (plan: {
  remove: Version[];
  demote: Version | null;
  promote: Version | null;
  newVersionId: string | null;
}) =>
  [
    ...plan.remove.map(({ sequence }) => `-${sequence}`),
    ...(plan.demote === null ? [] : [`old ${plan.demote.sequence}`]),
    ...(plan.promote === null ? [] : [`now ${plan.promote.sequence}`]),
    ...(plan.newVersionId === null ? [] : [`+${plan.newVersionId}`]),
  ].join(", ");

type Versioning = ContainerSettings["versioning"];

describe("what becomes of versions", () => {
  const puts: [Versioning, string, string][] = [
    [undefined, "", "+null"],
    [undefined, "n1*", "-1, +null"],
    ["enabled", "", "+fresh"],
    ["enabled", "v2* v1", "old 2, +fresh"],
    ["enabled", "d3 v2 v1", "+fresh"],
    ["enabled", "n1*", "old 1, +fresh"],
    ["suspended", "v2* n1", "-1, old 2, +null"],
    ["suspended", "n2* v1", "-2, +null"],
    ["suspended", "nd2 v1", "-2, +null"],
    ["suspended", "v1*", "old 1, +null"],
  ];
  for (const [versioning, there, expected] of puts)
    it(`${versioning ?? "none"}: a put over [${there}] is ${expected}`, () => {
      const plan = planPut({ versioning, versions: versions(there), nowMs: NOW }, { freshId: "fresh" });
      assert.equal(show(plan), expected);
    });

  const deletions: [Versioning, string, string | undefined, string, boolean][] = [
    [undefined, "", undefined, "", false],
    [undefined, "n1*", undefined, "-1", true],
    [undefined, "n1E*", undefined, "-1", false],
    ["enabled", "", undefined, "+fresh", false],
    ["enabled", "v2* v1", undefined, "old 2, +fresh", true],
    ["enabled", "d2 v1", undefined, "+fresh", false],
    ["suspended", "n2* v1", undefined, "-2, +null", true],
    ["suspended", "v2* n1", undefined, "-1, old 2, +null", true],
    ["enabled", "v3* v2 v1", "v3", "-3, now 2", true],
    ["enabled", "v3* v2 v1", "v1", "-1", true],
    ["enabled", "d3 v2 v1", "v3", "-3, now 2", true],
    ["enabled", "d3 d2 v1", "v3", "-3", true],
    ["enabled", "v3* d2 v1", "v3", "-3", true],
    ["enabled", "v1*", "v1", "-1", true],
    ["suspended", "nd2 v1", "null", "-2, now 1", true],
    ["enabled", "v1*", "none", "", false],
    ["enabled", "v2* v1L", undefined, "old 2, +fresh", true],
    ["enabled", "v2L*", undefined, "old 2, +fresh", true],
  ];
  for (const [versioning, there, versionId, expected, existed] of deletions)
    it(`${versioning ?? "none"}: deleting ${versionId ?? "the key"} of [${there}] is [${expected}]`, () => {
      const state = { versioning, versions: versions(there), nowMs: NOW };
      const named = versionId === undefined ? {} : { versionId };
      const { plan, deleted } = planDelete(state, { freshId: "fresh", ...named });
      assert.equal(show(plan), expected);
      assert.equal(deleted.existed, existed);
    });

  it("locks hold in every way that a version could go", () => {
    const refused = { kind: "forbidden", type: "AccessDenied" };
    const state = (versioning: Versioning, there: string) => ({ versioning, versions: versions(there), nowMs: NOW });
    const remove = { freshId: "x", versionId: "v1", bypassGovernance: true };
    assert.throws(() => planDelete(state("enabled", "v2* v1L"), remove), refused);
    assert.throws(() => planDelete(state("suspended", "n1L*"), { freshId: "x" }), refused);
    assert.throws(() => planPut(state("suspended", "n1L*"), { freshId: "x" }), refused);
    assert.throws(() => planPut(state(undefined, "n1L*"), { freshId: "x" }), refused);
    assert.equal(show(planDelete({ ...state("enabled", "v1L*"), nowMs: NOW + HOUR }, remove).plan), "-1");
  });

  it("who was not asked by a client deletes only what they saw", () => {
    const go = (there: string, expected: Expected) =>
      show(
        planDelete({ versioning: undefined, versions: versions(there), nowMs: NOW }, { freshId: "x", expected }).plan,
      );
    assert.equal(go("n1E*", { sequence: 1, ended: true }), "-1");
    assert.equal(go("n1*", { sequence: 1, ended: true }), "", "it was given more time");
    assert.equal(go("n2E*", { sequence: 1, ended: true }), "", "it is another");
    assert.equal(go("", { sequence: 1, ended: false }), "");
  });

  it("is weighed: delete markers are nothing", () => {
    const plan = { demote: null, promote: null, newVersionId: null };
    assert.deepEqual(weighed({ ...plan, remove: versions("v1 d2") }, { size: 4 }), { objects: 0, bytes: -6 });
    assert.deepEqual(weighed({ ...plan, remove: [] }, null), { objects: 0, bytes: 0 });
  });
});

describe("retention", () => {
  const until = (ms: number) => at(ms);
  const change = (was: string, ms: number | null, mode: "GOVERNANCE" | "COMPLIANCE", bypassGovernance = false) =>
    checkRetention(
      { mode: was as "GOVERNANCE", until: until(HOUR) },
      ms === null ? undefined : { mode, until: until(ms) },
      { nowMs: NOW, bypassGovernance },
    );
  it("gets longer or stronger for anybody, shorter or weaker for nobody, or for those who may", () => {
    change("COMPLIANCE", 2 * HOUR, "COMPLIANCE");
    change("GOVERNANCE", HOUR, "COMPLIANCE");
    change("GOVERNANCE", 2 * HOUR, "GOVERNANCE");
    change("GOVERNANCE", null, "GOVERNANCE", true);
    change("GOVERNANCE", 1, "GOVERNANCE", true);
    for (const [ms, mode] of [
      [HOUR - 1, "COMPLIANCE"],
      [2 * HOUR, "GOVERNANCE"],
      [null, "COMPLIANCE"],
    ] as const)
      assert.throws(() => change("COMPLIANCE", ms, mode, true), { kind: "forbidden" });
    assert.throws(() => change("GOVERNANCE", null, "GOVERNANCE"), { kind: "forbidden" });
    assert.throws(() => change("GOVERNANCE", HOUR - 1, "COMPLIANCE"), { kind: "forbidden" });
    assert.throws(
      () => checkRetention(undefined, { mode: "COMPLIANCE", until: "soon" }, { nowMs: NOW, bypassGovernance: false }),
      { kind: "invalid" },
    );
  });

  it("protects until its very end; a legal hold always", () => {
    const locked = { retention: { mode: "COMPLIANCE" as const, until: until(0) } };
    assert.ok(!isProtected(locked, { nowMs: NOW, bypassGovernance: false }));
    assert.ok(isProtected(locked, { nowMs: NOW - 1, bypassGovernance: true }));
    assert.ok(isProtected({ legalHold: true }, { nowMs: NOW + 1e12, bypassGovernance: true }));
  });

  it("comes from the container where none is asked for", () => {
    const settings = { objectLock: { default: { mode: "COMPLIANCE" as const, years: 1 } } };
    assert.equal(lockedBy(settings, {}, NOW).retention?.until, "2027-01-01T00:00:00.000Z");
    const own = { retention: { mode: "GOVERNANCE" as const, until: until(5) } };
    assert.deepEqual(lockedBy(settings, own, NOW), own);
    assert.deepEqual(lockedBy({}, {}, NOW), {});
    assert.throws(() => lockedBy({}, own, NOW), { type: "InvalidRequest" });
  });
});

it("quotas refuse what does not fit, and never what makes it no worse", () => {
  const used = { objects: 5, bytes: 100 };
  checkQuota({ bytes: 110, objects: 6 }, used, { objects: 1, bytes: 10 });
  checkQuota({ bytes: 50, objects: 1 }, used, { objects: 0, bytes: 0 });
  checkQuota({ bytes: 50, objects: 1 }, used, { objects: -1, bytes: -10 });
  for (const quota of [
    { bytes: 109, objects: null },
    { bytes: null, objects: 5 },
    { bytes: 0, objects: null },
  ])
    assert.throws(() => checkQuota(quota, used, { objects: 1, bytes: 10 }), { kind: "overQuota" });
});

it("conditions are those of RFC 9110", () => {
  const there = { etag: "a", modifiedAt: new Date(NOW + 300) };
  const holds = (condition: Parameters<typeof checkCondition>[1], seen: typeof there | null = there): boolean => {
    try {
      checkCondition(seen, condition);
      return true;
    } catch {
      return false;
    }
  };
  const date = (ms: number): Date => new Date(NOW + ms);
  assert.deepEqual(
    [
      holds(undefined),
      holds({ ifMatch: ["b", "a"] }),
      holds({ ifMatch: ["*"] }),
      holds({ ifMatch: ["b"] }),
      holds({ ifMatch: ["*"] }, null),
      holds({ ifNoneMatch: ["b"] }),
      holds({ ifNoneMatch: ["a"] }),
      holds({ ifNoneMatch: ["*"] }),
      holds({ ifNoneMatch: ["*"] }, null),
      holds({ ifUnmodifiedSince: date(0) }),
      holds({ ifUnmodifiedSince: date(-1_000) }),
      holds({ ifModifiedSince: date(0) }),
      holds({ ifModifiedSince: date(-1_000) }),
    ],
    [true, true, true, false, false, true, false, false, true, true, false, false, true],
  );
});

it("a container's promises are not taken back", () => {
  const was = { metadata: { a: "1", b: "2" }, settings: {}, quotaBytes: 5, quotaObjects: null };
  const next = planContainer(was, {
    metadata: { a: null, c: "3" },
    settings: { versioning: "enabled" },
    quotaBytes: null,
  });
  assert.deepEqual(next, {
    metadata: { b: "2", c: "3" },
    settings: { versioning: "enabled" },
    quotaBytes: null,
    quotaObjects: null,
  });
  const locked = planContainer(next, { settings: { objectLock: {} } });
  for (const settings of [{ objectLock: null }, { versioning: null }, { versioning: "suspended" as const }])
    assert.throws(() => planContainer(locked, { settings }), { type: "InvalidBucketState" });
  assert.throws(() => planContainer(was, { settings: { objectLock: {} } }), { type: "InvalidBucketState" });
});

describe("names", () => {
  it("are in the order of their bytes", () => {
    const names = [
      "",
      "a",
      "a\u0001",
      "a/",
      "aa",
      "b\u007f",
      "b\u0080",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{10ffff}",
    ];
    const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const [index, name] of byBytes.entries())
      for (const [other, second] of byBytes.entries())
        assert.equal(Math.sign(compareNames(name, second)), Math.sign(index - other), `${name} ${second}`);
  });

  it("that begin alike end where the next begin", () => {
    const cases = [
      ["a", "b"],
      ["a/", "a0"],
      ["\ud7ff", "\ue000"],
      ["a\u007f", "a\u0080"],
      ["a\u{10ffff}", "b"],
      ["\uffff", "\u{10000}"],
    ];
    for (const [prefix = "", end = ""] of cases) assert.equal(endOfPrefix(prefix), end);
    assert.equal(endOfPrefix("\u{10ffff}\u{10ffff}"), null);
    assert.equal(endOfPrefix(""), null);
    assert.equal(spanOf({ prefix: "a", marker: "a" })?.low, after("a"));
    assert.equal(spanOf({ prefix: "a", marker: "z" }), null);
  });

  it("of buckets are S3's", () => {
    for (const name of ["abc", "a.b-c", "1-2", "a".repeat(63)]) assert.ok(isBucketName(name), name);
    for (const name of [
      "ab",
      "Abc",
      "a_b",
      "a..b",
      "a.-b",
      "-ab",
      "ab-",
      "1.2.3.4",
      "xn--abc",
      "abc-s3alias",
      "é-é",
      "a".repeat(64),
    ])
      assert.ok(!isBucketName(name), name);
  });
});
