import assert from "node:assert/strict";
import { test } from "node:test";

import { parseQuery } from "../../../http/query.ts";
import { readListQuery } from "./list-query.ts";

const read = (raw: string, version = 1) => readListQuery(parseQuery(raw), { projectId: "p", isAdmin: false, version });

test("names that every object has are neither filters nor sort keys", () => {
  for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__"]) {
    for (const version of [1, 75, 95]) {
      assert.throws(() => read(`sort_key=${name}`, version), { kind: "invalid" }, `${name} at ${version}`);
    }
    assert.throws(() => read(`${name}=x`, 95), { kind: "invalid" }, name);
  }
  assert.deepEqual(read("sort_key=display_name&sort_dir=asc").sort, [{ column: "name", descending: false }]);
});

test("patterns are looked at before PostgreSQL does", () => {
  for (const raw of ["name=(x%7B200%7D)%7B200%7D", "ip=(.*)%5C1"])
    assert.throws(() => read(raw), { kind: "invalid" }, raw);
  assert.deepEqual(read("name=%5Eweb").filter.matching, { name: "^web" });
});
