import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";

import type { TestApp } from "../../testing/test-app.ts";
import { type ImageCloud, OLD_PATCH, PATCH, type View, names, startImageCloud } from "./testing/image-cloud.ts";

let cloud: TestApp;
let somebody: ImageCloud["somebody"];
let call: ImageCloud["call"];
let createImage: ImageCloud["createImage"];
let upload: ImageCloud["upload"];
let show: ImageCloud["show"];
before(async () => {
  ({ cloud, somebody, call, createImage, upload, show } = await startImageCloud());
});
after(() => cloud.close());

describe("images", () => {
  it("are created, filled, read, and gone when deleted", async () => {
    const { token, projectId } = somebody();
    const image = await createImage(token, {
      name: " a <&> é ",
      ramdisk_id: "r1",
      tags: ["t"],
      min_disk: 1,
      min_ram: 64,
      visibility: "private",
    });
    assert.equal(image.status, "queued");
    assert.equal(image["name"], " a <&> é ");
    assert.equal(image["ramdisk_id"], "r1");
    assert.equal(image["owner"], projectId);
    assert.equal(image["size"], null);
    assert.equal(image["os_hidden"], false);
    assert.equal(image["self"], `/v2/images/${image.id}`);
    assert.match(String(image["created_at"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

    const empty = await call(token, "GET", `/v2/images/${image.id}/file`);
    assert.deepEqual([empty.status, empty.text], [204, ""]);

    const data = randomBytes(3 * 1024 * 1024 + 17);
    assert.equal((await upload(token, image.id, data)).status, 204);
    const active = await show(token, image.id);
    assert.equal(active.status, "active");
    assert.equal(active["size"], data.length);
    assert.equal(active["virtual_size"], data.length);
    assert.equal(active["checksum"], createHash("md5").update(data).digest("hex"));
    assert.equal(active["os_hash_algo"], "sha512");
    assert.equal(active["os_hash_value"], createHash("sha512").update(data).digest("hex"));

    const whole = await call(token, "GET", `/v2/images/${image.id}/file`);
    assert.equal(whole.status, 200);
    assert.equal(whole.headers["content-length"], String(data.length));
    assert.equal(whole.headers["content-md5"], active["checksum"]);
    assert.equal((await upload(token, image.id, data)).status, 409);

    assert.equal((await call(token, "DELETE", `/v2/images/${image.id}`)).status, 204);
    assert.equal((await call(token, "DELETE", `/v2/images/${image.id}`)).status, 404);
    assert.equal((await call(token, "GET", `/v2/images/${image.id}`)).status, 404);
    await cloud.drain();
    const rows = await cloud.app.db`select 1 from image where id = ${image.id}`;
    assert.equal(rows.length, 0);
    const events = await cloud.app.db<
      { action: string }[]
    >`select action from event where target_id = ${image.id} order by id`;
    assert.deepEqual(events.map((event) => event.action).toSorted(), [
      "image.image.create",
      "image.image.delete",
      "image.image.upload",
    ]);
  });

  it("take the id that a client gives, once", async () => {
    const { token } = somebody();
    const id = "6C8B5C2E-1111-4222-8333-00000000000A";
    assert.equal((await createImage(token, { id })).id, id.toLowerCase());
    assert.equal((await call(token, "POST", "/v2/images", { id })).status, 409);
    assert.equal((await call(token, "POST", "/v2/images", { id: "not-a-uuid" })).status, 400);
  });

  it("refuse what clients may not say", async () => {
    const { token } = somebody();
    const cases: [object, number][] = [
      [{ disk_format: "wrong" }, 400],
      [{ container_format: "wrong" }, 400],
      [{ visibility: "none" }, 400],
      [{ name: "x".repeat(256) }, 400],
      [{ min_disk: -1 }, 400],
      [{ min_ram: 2 ** 31 }, 400],
      [{ tags: "t" }, 400],
      [{ size: 5 }, 403],
      [{ status: "active" }, 403],
      [{ checksum: "x" }, 403],
      [{ deleted: "x" }, 403],
      [{ os_glance_import_task: "x" }, 403],
      [{ locations: [] }, 403],
      [{ own: 5 }, 400],
      [{ ["k".repeat(256)]: "v" }, 400],
      [{ visibility: "public" }, 403],
      [{ owner: "somebody" }, 403],
      [{ tags: Array.from({ length: 129 }, (_, index) => `t${index}`) }, 413],
      [Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`p${index}`, "v"])), 413],
    ];
    for (const [body, status] of cases) {
      assert.equal((await call(token, "POST", "/v2/images", body)).status, status, JSON.stringify(body).slice(0, 80));
    }
    assert.equal((await call(token, "GET", "/v2/images")).body["images" as never]["length"], 0);
  });

  it("need their formats before their bytes", async () => {
    const { token } = somebody();
    const { id } = await createImage(token, { disk_format: null, container_format: null });
    const answer = await upload(token, id, Buffer.from("x"));
    assert.equal(answer.status, 400);
    assert.match(answer.text, /disk_format, container_format must be set/);
    assert.equal((await show(token, id)).status, "queued");
  });

  it("stay whole when they are protected, and go afterwards", async () => {
    const { token } = somebody();
    const { id } = await createImage(token, { protected: true });
    assert.equal((await call(token, "DELETE", `/v2/images/${id}`)).status, 403);
    assert.equal(
      (await call(token, "PATCH", `/v2/images/${id}`, [{ op: "replace", path: "/protected", value: false }], PATCH))
        .status,
      200,
    );
    assert.equal((await call(token, "DELETE", `/v2/images/${id}`)).status, 204);
  });

  it("are not found by odd ids", async () => {
    const { token } = somebody();
    for (const id of ["-1", "99999999999999999999", "%F0%9F%98%80", "x".repeat(300), ""]) {
      for (const method of ["GET", "DELETE"]) {
        const answer = await call(token, method, `/v2/images/${id}`);
        assert.equal(answer.status, 404, `${method} ${id}`);
      }
    }
  });
});

describe("downloads", () => {
  it("give the part that a Range asks for", async () => {
    const { token } = somebody();
    const { id } = await createImage(token);
    await upload(token, id, Buffer.from("0123456789"));
    const get = (range: string) => call(token, "GET", `/v2/images/${id}/file`, undefined, { range });
    const cases: [string, string, string][] = [
      ["bytes=2-4", "234", "bytes 2-4/10"],
      ["bytes=7-", "789", "bytes 7-9/10"],
      ["bytes=-2", "89", "bytes 8-9/10"],
      ["bytes=0-99", "0123456789", "bytes 0-9/10"],
    ];
    for (const [range, text, contentRange] of cases) {
      const answer = await get(range);
      assert.deepEqual([answer.status, answer.text, answer.headers["content-range"]], [206, text, contentRange]);
      assert.equal(answer.headers["content-length"], String(text.length));
    }
    for (const range of ["bytes=10-", "bytes=4-2", "bytes=-0", "bytes=1-2,4-5", "lines=1-2"])
      assert.equal((await get(range)).status, 416, range);
  });

  it("of a deactivated image are for operators", async () => {
    const { token } = somebody();
    const { id } = await createImage(token);
    assert.equal((await call(token, "POST", `/v2/images/${id}/actions/deactivate`)).status, 403, "queued");
    await upload(token, id, Buffer.from("data"));
    for (const _ of [1, 2])
      assert.equal((await call(token, "POST", `/v2/images/${id}/actions/deactivate`)).status, 204);
    assert.equal((await show(token, id)).status, "deactivated");
    assert.equal((await call(token, "GET", `/v2/images/${id}/file`)).status, 403);
    assert.equal((await call(cloud.adminToken, "GET", `/v2/images/${id}/file`)).text, "data");
    assert.equal((await call(token, "POST", `/v2/images/${id}/actions/reactivate`)).status, 204);
    assert.equal((await call(token, "GET", `/v2/images/${id}/file`)).text, "data");
  });

  it("of an empty image are empty", async () => {
    const { token } = somebody();
    const { id } = await createImage(token);
    assert.equal((await upload(token, id, Buffer.alloc(0))).status, 204);
    const answer = await call(token, "GET", `/v2/images/${id}/file`);
    assert.deepEqual([answer.status, answer.text, answer.headers["content-length"]], [200, "", "0"]);
    assert.equal((await call(token, "GET", `/v2/images/${id}/file`, undefined, { range: "bytes=0-" })).status, 416);
  });
});

describe("patches", () => {
  it("are taken in both dialects", async () => {
    const { token } = somebody();
    const { id } = await createImage(token, { own: "1" });
    const path = `/v2/images/${id}`;
    const old = await call(
      token,
      "PATCH",
      path,
      [{ replace: "/name", value: "two" }, { add: "/new", value: "x" }, { remove: "/own" }],
      OLD_PATCH,
    );
    assert.equal(old.status, 200, old.text);
    assert.deepEqual([old.body["name"], old.body["new"], "own" in (old.body as object)], ["two", "x", false]);
    const modern = await call(
      token,
      "PATCH",
      path,
      [
        { op: "replace", path: "/name", value: "three" },
        { op: "add", path: "/a~1b~0c", value: "slash" },
        { op: "add", path: "/visibility", value: "community" },
        { op: "replace", path: "/tags", value: ["x", "y", "x"] },
      ],
      PATCH,
    );
    assert.equal(modern.status, 200, modern.text);
    assert.deepEqual(
      [modern.body["name"], modern.body["a/b~c"], modern.body["visibility"], modern.body["tags"]],
      ["three", "slash", "community", ["x", "y"]],
    );
  });

  it("are all done or not at all", async () => {
    const { token } = somebody();
    const { id } = await createImage(token);
    const before = await show(token, id);
    const cases: [unknown, number][] = [
      [{ op: "replace", path: "/missing", value: "x" }, 409],
      [{ op: "remove", path: "/missing" }, 409],
      [{ op: "remove", path: "/name" }, 403],
      [{ op: "replace", path: "/id", value: "x" }, 403],
      [{ op: "replace", path: "/status", value: "active" }, 403],
      [{ op: "replace", path: "/owner", value: "x" }, 403],
      [{ op: "replace", path: "/visibility", value: "public" }, 403],
      [{ op: "replace", path: "/min_disk", value: "many" }, 400],
      [{ op: "replace", path: "name", value: "x" }, 400],
      [{ op: "replace", path: "/a/b", value: "x" }, 400],
      [{ op: "replace", path: "/a~2", value: "x" }, 400],
      [{ op: "move", path: "/name" }, 400],
      [{ op: "add", path: "/own" }, 400],
      [{ op: "add", path: "/own", value: 5 }, 400],
      [{ op: "add", path: "/locations/-", value: {} }, 403],
      [{ path: "/name" }, 400],
      [5, 400],
    ];
    for (const [change, status] of cases) {
      const answer = await call(
        token,
        "PATCH",
        `/v2/images/${id}`,
        [{ op: "replace", path: "/name", value: "changed" }, change],
        PATCH,
      );
      assert.equal(answer.status, status, JSON.stringify(change));
    }
    assert.equal((await call(token, "PATCH", `/v2/images/${id}`, [])).status, 415);
    assert.equal((await call(token, "PATCH", `/v2/images/${id}`, {}, PATCH)).status, 400);
    assert.deepEqual(await show(token, id), before);
  });

  it("leave formats alone once there are bytes", async () => {
    const { token } = somebody();
    const { id } = await createImage(token);
    const change = (value: string) =>
      call(token, "PATCH", `/v2/images/${id}`, [{ op: "replace", path: "/disk_format", value }], PATCH);
    assert.equal((await change("iso")).status, 200);
    await upload(token, id, Buffer.from("x"));
    assert.equal((await change("raw")).status, 403);
  });
});

describe("tags", () => {
  it("come and go", async () => {
    const { token } = somebody();
    const { id } = await createImage(token);
    const tag = (method: string, name: string) => call(token, method, `/v2/images/${id}/tags/${name}`);
    assert.equal((await tag("PUT", "a%2Fb")).status, 204);
    assert.equal((await tag("PUT", "a%2Fb")).status, 204);
    assert.deepEqual((await show(token, id)).tags, ["a/b"]);
    assert.equal((await tag("DELETE", "a%2Fb")).status, 204);
    assert.equal((await tag("DELETE", "a%2Fb")).status, 404);
    assert.equal((await tag("PUT", "x".repeat(256))).status, 400);
    assert.equal((await call(token, "PUT", "/v2/images/none/tags/x")).status, 404);
  });
});

describe("lists", () => {
  it("filter", async () => {
    const { token } = somebody();
    await createImage(token, { name: "a,b", os: "x", tags: ["t1", "t2"], disk_format: "qcow2" });
    await createImage(token, { name: "c", os: "y", tags: ["t1"], protected: true, min_ram: 7 });
    const { id } = await createImage(token, { name: "d", os_hidden: true });
    const sized = await createImage(token, { name: "e" });
    await upload(token, sized.id, Buffer.alloc(100));
    const cases: [string, string[]][] = [
      ["name=c", ["c"]],
      ['name=in:"a,b",c', ["a,b", "c"]],
      ["disk_format=qcow2", ["a,b"]],
      ["container_format=bare", ["a,b", "c", "e"]],
      ["tag=t1&tag=t2", ["a,b"]],
      ["os=y", ["c"]],
      ["protected=true", ["c"]],
      ["os_hidden=true", ["d"]],
      [`id=${id}&os_hidden=True`, ["d"]],
      ["status=active", ["e"]],
      ["size_min=100", ["e"]],
      ["size_min=101", []],
      ["size_max=100", ["e"]],
      ["size=100", ["e"]],
      ["min_ram=7", ["c"]],
      ["created_at=gt:2020-01-01T00:00:00Z", ["a,b", "c", "e"]],
      ["created_at=lt:2020-01-01T00:00:00", []],
      ["visibility=private", []],
      ["visibility=shared", ["a,b", "c", "e"]],
      ["owner=nobody", []],
      ["unknown=filter", []],
    ];
    for (const [query, expected] of cases) {
      const answer = await call(token, "GET", `/v2/images?sort=name:asc&${query}`);
      assert.equal(answer.status, 200, query);
      assert.deepEqual(names(answer), expected, query);
    }
    const wrong = [
      "visibility=odd",
      "size_min=x",
      "os_hidden=2",
      "limit=-1",
      "limit=x",
      "marker=none",
      "sort_key=odd",
      "sort_dir=odd",
      "created_at=odd",
      "created_at=near:2020-01-01",
      'name=in:"a',
      "sort=name&sort_key=name",
      "member_status=odd",
      "changes-since=x",
      "id=%00",
    ];
    for (const query of wrong) assert.equal((await call(token, "GET", `/v2/images?${query}`)).status, 400, query);
  });

  it("page through every order without loss or repetition", async () => {
    const { token } = somebody();
    for (const [name, format] of [
      ["b", "raw"],
      ["a", "raw"],
      ["a", "iso"],
      [null, "qcow2"],
      ["c", null],
    ] as const) {
      await createImage(token, { name, disk_format: format });
    }
    for (const order of [
      "",
      "sort=name:asc,disk_format:desc",
      "sort=size:asc",
      "sort_key=name&sort_key=created_at&sort_dir=desc&sort_dir=asc",
      "sort=status",
    ]) {
      const all = await call(token, "GET", `/v2/images?${order}`);
      const expected: string[] = all.body["images" as never] as never;
      const seen: unknown[] = [];
      let next: string | undefined = `/v2/images?limit=2${order === "" ? "" : `&${order}`}`;
      while (next !== undefined) {
        const page: { body: { images: View[]; next?: string } } = await call(token, "GET", next);
        seen.push(...page.body.images);
        next = page.body.next;
      }
      assert.deepEqual(seen, expected, order);
      assert.equal(seen.length, 5);
    }
    const newest = await call(token, "GET", "/v2/images?limit=1");
    assert.deepEqual(names(newest), ["c"]);
    assert.deepEqual((await call(token, "GET", "/v2/images?limit=0")).body["images"], []);
  });
});
