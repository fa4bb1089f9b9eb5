import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { readArray, writeArray } from "@andromede/platform/db/arrays";

import { type TestApp, createTestApp } from "../testing/test-app.ts";

const JSON_VALUE = { a: ['"', "\\"] };

let app: TestApp;
before(async () => {
  app = await createTestApp();
});
after(() => app.close());

test("arrays of every kind we use go to PostgreSQL and come back", async () => {
  const { db } = app.app;
  const texts = ["", "a b", 'quo"te', "back\\slash", "NULL", "null", "{}", "a,b", "é\n€", null, " x "];
  const date = new Date("2026-11-22T01:02:03.004Z");
  const [row] = await db`select
    ${texts}::text[] as texts, ${[]}::text[] as none, ${[1, -2, null] as never}::int[] as ints, ${[2 ** 53 - 1]}::bigint[] as big,
    ${[1.5, -0.25]}::float8[] as doubles, '{t,f,NULL}'::boolean[] as flags, '{"2026-11-22 01:02:03.004+00",NULL}'::timestamptz[] as dates,
    ${["10.0.0.1", "fe80::1"]}::inet[] as addresses, ${["0b4f1d2a-3c5e-4f60-8a7b-9c0d1e2f3a4b"]}::uuid[] as ids,
    array['\\x00225cff'::bytea] as bytes, ${[JSON_VALUE, null] as never}::jsonb[] as json,
    '[0:1]={a,b}'::text[] as bounds, '{{1,2},{3,4}}'::int[] as nested, null::text[] as nothing`;
  assert.deepEqual(
    { ...row },
    {
      texts,
      none: [],
      ints: [1, -2, null],
      big: [2 ** 53 - 1],
      doubles: [1.5, -0.25],
      flags: [true, false, null],
      dates: [date, null],
      addresses: ["10.0.0.1", "fe80::1"],
      ids: ["0b4f1d2a-3c5e-4f60-8a7b-9c0d1e2f3a4b"],
      bytes: [Buffer.from([0, 34, 92, 255])],
      json: [JSON_VALUE, null],
      bounds: ["a", "b"],
      nested: [
        [1, 2],
        [3, 4],
      ],
      nothing: null,
    },
  );
  const nested = [
    [1, 2],
    [3, 4],
  ];
  assert.deepEqual((await db`select ${nested}::int[] as nested`)[0]?.["nested"], nested);
});

test("what is no array is refused", () => {
  assert.throws(() => writeArray([undefined]), TypeError);
  assert.throws(() => writeArray([{}]), TypeError);
  assert.throws(() => readArray('{"a', String), TypeError);
  assert.throws(() => readArray("{a,", String), TypeError);
});
