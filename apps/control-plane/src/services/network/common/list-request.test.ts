import assert from "node:assert/strict";
import { test } from "node:test";

import { parseQuery } from "../../../http/query.ts";
import { networkAttributes } from "../networks/network.schema.ts";
import { readListRequest } from "./list-request.ts";

const read = (raw: string) => readListRequest(parseQuery(raw), networkAttributes({ projectId: "p", admin: false }));

test("filters: repeated keys, booleans as Python writes them, numbers", () => {
  const { filters } = read("name=a&name=b&router%3Aexternal=True&shared=false&mtu=1442");
  assert.deepEqual(filters, [
    { name: "name", column: "name", kind: "text", values: ["a", "b"] },
    { name: "router:external", column: "external", kind: "boolean", values: ["true"] },
    { name: "shared", column: "shared_with", kind: "sharing", values: ["false"], viewer: "p" },
    { name: "mtu", column: "mtu", kind: "integer", values: ["1442"] },
  ]);
});

test("tags, fields, page and sort", () => {
  const request = read(
    "tags=a,b&not-tags-any=c&fields=id&fields=name&limit=10&marker=x&page_reverse=True&sort_key=name&sort_dir=desc&sort_key=mtu&sort_dir=asc",
  );
  assert.deepEqual(request.tags, { all: ["a", "b"], any: [], notAll: [], notAny: ["c"] });
  assert.deepEqual(request.fields, ["id", "name"]);
  assert.deepEqual([request.limit, request.marker, request.reverse], [10, "x", true]);
  assert.deepEqual(request.sort, [
    { column: "name", descending: true },
    { column: "mtu", descending: false },
  ]);
});

test("limit 0 is no limit", () => assert.equal(read("limit=0").limit, undefined));

test("refused", () => {
  for (const raw of [
    "colour=blue",
    "provider%3Aphysical_network=physnet1",
    "shared=maybe",
    "mtu=many",
    "mtu=99999999999",
    "limit=-1",
    "limit=testing",
    "sort_key=colour",
    "sort_key=name&sort_dir=up",
    "sort_key=name&sort_key=id&sort_dir=asc",
    "changed_since=yesterday",
    "created_at=2024-01-01",
    "constructor=1",
    "__proto__=1",
    "sort_key=toString",
  ]) {
    assert.throws(() => read(raw), { kind: "invalid" }, raw);
  }
});
