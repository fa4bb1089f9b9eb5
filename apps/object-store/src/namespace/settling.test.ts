import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { conflict } from "@andromede/base/errors";

import type { Written } from "../bytes/byte-store.ts";
import { checkBody, settling } from "./bodies.ts";
import { isRolledBack } from "./transact.ts";

const postgresError = (code: string): Error => Object.assign(new Error(code), { name: "PostgresError", code });
const connectionError = (code: string): Error => Object.assign(new Error(code), { code });

async function settled(fails?: Error): Promise<boolean[]> {
  const calls: boolean[] = [];
  const written: Written = {
    size: 0,
    digests: { md5: "m" },
    placement: { kind: "empty" },
    writerId: 1,
    settle: (committed) => Promise.resolve(void calls.push(committed)),
  };
  const work = settling(written, () => (fails === undefined ? Promise.resolve("done") : Promise.reject(fails)));
  if (fails === undefined) assert.equal(await work, "done");
  else await assert.rejects(work, fails);
  return calls;
}

describe("a body that was written", () => {
  it("is kept when its commit came through, and removed when that certainly did not", async () => {
    assert.deepEqual(await settled(), [true]);
    assert.deepEqual(await settled(conflict("no")), [false]);
    assert.deepEqual(await settled(postgresError("23505")), [false]);
  });

  it("is kept when nobody knows: the row that names it may be there", async () => {
    for (const code of ["CONNECTION_CLOSED", "ECONNRESET"])
      assert.deepEqual(await settled(connectionError(code)), [true], code);
    for (const code of ["57P01", "08006", "XX000", "58030"])
      assert.deepEqual(await settled(postgresError(code)), [true], code);
  });

  it("has its MD5 for an ETag unless its check says otherwise, and never one with blanks", () => {
    const written = { size: 1, digests: { md5: "m" } } as unknown as Written;
    assert.deepEqual(checkBody(written, undefined, { a: 1 }), { etag: "m", details: { a: 1 } });
    assert.deepEqual(
      checkBody(written, ({ size }) => ({ etag: `e-${size}`, details: { a: 2 } }), { a: 1 }),
      { etag: "e-1", details: { a: 2 } },
    );
    for (const etag of ["", "a b", "é"])
      assert.throws(() => checkBody(written, () => ({ etag }), {}), { kind: "internal" });
  });

  it("whose transaction failed is known by what PostgreSQL said", () => {
    assert.ok(isRolledBack(postgresError("40P01")) && isRolledBack(postgresError("22021")));
    assert.ok(!isRolledBack(new Error("anything")) && !isRolledBack("anything"));
  });
});
