import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { explain } from "../testing/explain.ts";
import { type Bench, createBench } from "../testing/namespace-bench.ts";
import type { Container } from "./container.model.ts";
import { listAllVersions, listCurrent, listRolledUp } from "./list.queries.ts";
import { compareNames, spanOf } from "./names.ts";
import type { ListRange, ListedObject, Page } from "./namespace.ts";

/** What a page must be, said plainly. */
function expected(keys: string[], range: ListRange): { names: string[]; truncated: boolean } {
  const { prefix = "", delimiter = "", marker, endMarker, reverse = false, limit } = range;
  const [low, high] = reverse ? [endMarker, marker] : [marker, endMarker];
  const found = keys
    .filter((key) => key.startsWith(prefix))
    .filter((key) => (low ? compareNames(key, low) > 0 : true) && (high ? compareNames(key, high) < 0 : true))
    .toSorted(compareNames);
  const names: string[] = [];
  for (const key of reverse ? found.toReversed() : found) {
    const place = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const name = place === -1 ? key : key.slice(0, place + delimiter.length);
    if (names.at(-1) === name && place !== -1) continue;
    if (place !== -1 && name === marker) continue;
    names.push(name);
  }
  return { names: names.slice(0, limit), truncated: names.length > limit };
}

const namesOf = ({ entries, truncated }: Page<{ key: string } | { name: string }>) => ({
  names: entries.map((entry) => ("prefix" in entry ? entry.prefix : "key" in entry ? entry.key : entry.name)),
  truncated,
});

const STRANGE = [
  "a",
  "a/",
  "a/1",
  "a/2/x",
  "a/2/y",
  "a0",
  "b\u007f",
  "b\u007f/1",
  "b\u0080",
  "z\ud7ff",
  "z\ue000x",
  "z\uffff",
  "z\u{10000}",
  "z\u{10ffff}",
  "z\u{10ffff}/x",
  "z\u{10ffff}y",
  "\u{1F600}/a",
  "\u{1F600}/b",
  "\u{10ffff}",
  "\u{10ffff}\u{10ffff}a",
  " ",
  "\u0001",
  "\u0001/x",
  "quote'\"\\",
  "100%_",
];

describe("listings", () => {
  let bench: Bench;
  let container: Container;
  const space = () => bench.store.namespace;
  before(async () => {
    bench = await createBench();
    container = await bench.container();
    await Promise.all(STRANGE.map((key) => bench.put(container, key, key)));
  });
  after(() => bench.stop());

  it("are right for every prefix, delimiter, marker and direction, with strange names", async () => {
    const prefixes = [undefined, "a", "a/", "b\u007f", "z\ud7ff", "z\u{10ffff}", "\u{10ffff}", "\u{1F600}", "none"];
    const delimiters = [undefined, "/", "\u{10ffff}", "2/"];
    const markers = [undefined, "a", "a/", "a/1", "a/2/x", "b\u007f/", "z\u{10ffff}", "\u{10ffff}", "a/2/"];
    let pages = 0;
    for (const prefix of prefixes)
      for (const delimiter of delimiters)
        for (const marker of markers)
          for (const reverse of [false, true])
            for (const limit of [3, 100]) {
              const given = { prefix, delimiter, marker, endMarker: pages % 3 === 0 ? "z" : undefined };
              const range = {
                limit,
                reverse,
                ...Object.fromEntries(Object.entries(given).filter(([, value]) => value)),
              };
              const page = namesOf(await space().listObjects(container, range));
              assert.deepEqual(page, expected(STRANGE, range), JSON.stringify(range));
              pages += 1;
            }
    assert.ok(pages > 1_000);
  });

  it("go on from where a page ended, to the end, in both directions", async () => {
    for (const delimiter of ["", "/"])
      for (const reverse of [false, true]) {
        const seen: string[] = [];
        let marker = "";
        for (let more = true; more;) {
          const page = namesOf(await space().listObjects(container, { delimiter, reverse, marker, limit: 2 }));
          seen.push(...page.names);
          marker = page.names.at(-1) ?? "";
          more = page.truncated;
        }
        assert.deepEqual(seen, expected(STRANGE, { delimiter, reverse, limit: 1_000 }).names);
      }
  });

  it("take markers that no name can be", async () => {
    const list = (range: Partial<ListRange>) =>
      space()
        .listObjects(container, { limit: 100, ...range })
        .then(namesOf);
    assert.deepEqual((await list({ marker: "a\0b", endMarker: "a0" })).names, ["a/", "a/1", "a/2/x", "a/2/y"]);
    assert.deepEqual((await list({ endMarker: "a\0", marker: " " })).names.at(-1), "a");
    assert.deepEqual((await list({ prefix: "a\0" })).names, []);
    assert.deepEqual((await list({ limit: 0 })).names, []);
    assert.ok((await list({ marker: "\ud800", delimiter: "\0" })).names.length > 0);
  });

  it("show what listings show", async () => {
    const own = await bench.container();
    const slo = { size: 10, etag: "x" };
    const put = await bench.put(own, "key", "body", { details: { owner: "me", slo } });
    const { entries } = await space().listObjects(own, { limit: 1 });
    const [entry] = entries as ListedObject[];
    const { key, size, etag, contentType, modifiedAt, versionId, sequence } = put;
    const wanted = {
      key,
      size,
      etag,
      contentType,
      modifiedAt,
      versionId,
      sequence,
      isCurrent: true,
      isDeleteMarker: false,
    };
    assert.deepEqual(entry, { ...wanted, owner: "me", slo, isLatest: true });
  });

  it("of versions go on inside a key, and are rolled up too", async () => {
    const own = await bench.container({ settings: { versioning: "enabled" } });
    for (const key of ["a", "a", "a", "b/1", "b/1", "c"]) await bench.put(own, key);
    await space().deleteObject(bench.originFor(), own, "c");
    const all = (await space().listVersions(own, { limit: 100 })).entries as ListedObject[];
    assert.deepEqual(
      all.map(({ key, isLatest }) => [key, isLatest]),
      [
        ["a", true],
        ["a", false],
        ["a", false],
        ["b/1", true],
        ["b/1", false],
        ["c", true],
        ["c", false],
      ],
    );
    const seen: ListedObject[] = [];
    for (let more = true; more;) {
      const last = seen.at(-1);
      const range = last === undefined ? {} : { marker: last.key, sequenceMarker: last.sequence };
      const page = await space().listVersions(own, { limit: 2, ...range });
      seen.push(...(page.entries as ListedObject[]));
      more = page.truncated;
    }
    assert.deepEqual(seen, all);
    const rolled = await space().listVersions(own, { limit: 100, delimiter: "/" });
    assert.deepEqual(namesOf(rolled).names, ["a", "a", "a", "b/", "c", "c"]);
    assert.deepEqual(namesOf(await space().listVersions(own, { limit: 9, marker: "a" })).names, [
      "b/1",
      "b/1",
      "c",
      "c",
    ]);
  });

  it("read by index, and no more than they show, among 100,000 keys", async () => {
    const own = await bench.container();
    const { db } = bench.store;
    await db`
      insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at)
      select ${own.id}, 'dir' || n % 100 || '/' || md5(n::text), nextval('object_sequence'), 'null', true, 0, md5(''), 'x', now()
      from generate_series(1, 100000) n`;
    await db`vacuum analyze object`;
    const now = new Date();
    const span = spanOf({ marker: "dir5/5" });
    assert.ok(span !== null);
    const rolled = {
      prefixLength: 0,
      delimiter: "/",
      delimiterEnd: "0",
      skip: null,
      versions: false,
      now,
      limit: 1001,
    };
    for (const reverse of [false, true]) {
      const flat = await explain(bench.store, (sql) => listCurrent(sql, own.id, span, { reverse, limit: 1001, now }));
      assert.match(flat, /Index Scan (Backward )?using object_current on object/);
      assert.doesNotMatch(flat, /Seq Scan on object|Bitmap|Sort/);
      assert.match(flat, /Limit .*actual.*rows=1001/);
      const prefixes = await explain(bench.store, (sql) =>
        listRolledUp(sql, own.id, { low: "", high: "z" }, { ...rolled, reverse }),
      );
      assert.match(prefixes, /Index Scan (Backward )?using object_current on object/);
      assert.doesNotMatch(prefixes, /Seq Scan on object|Bitmap/);
      const fetched = [...prefixes.matchAll(/using object_current.*actual.*rows=(\d+)/g)].map((match) =>
        Number(match[1]),
      );
      assert.ok(fetched.length >= 100 && Math.max(...fetched) <= 50, "one look a prefix, a few rows each");
    }
    const versions = await explain(bench.store, (sql) => listAllVersions(sql, own.id, span, 1001));
    assert.match(versions, /Index Scan using object_by_key on object/);
    assert.doesNotMatch(versions, /Seq Scan on object|Bitmap/);
  });

  it("of containers show what each holds", async () => {
    const projectId = "lists";
    const origin = bench.originFor();
    const names = ["a", "a/b", "a/c", "b", "\u{1F600}"];
    for (const name of names) {
      const { container: made } = await space().createContainer(origin, projectId, name, { globalName: "try" });
      await bench.put(made, "key", name);
    }
    for (const range of [
      {},
      { reverse: true },
      { delimiter: "/" },
      { prefix: "a/" },
      { marker: "a", endMarker: "b" },
    ]) {
      const page = namesOf(await space().listContainers(projectId, { limit: 100, ...range }));
      assert.deepEqual(page, expected(names, { limit: 100, ...range }), JSON.stringify(range));
    }
    const { entries } = await space().listContainers(projectId, { limit: 2 });
    assert.deepEqual(
      entries.map((entry) => ("name" in entry ? [entry.name, entry.objects, entry.bytes] : [])),
      [
        ["a", 1, 1],
        ["a/b", 1, 3],
      ],
    );
    assert.deepEqual(await space().accountUsage(projectId), { containers: 5, objects: 5, bytes: 12 });
  });
});
