import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { TestApp } from "../../testing/test-app.ts";
import { type ImageCloud, PATCH, names, startImageCloud } from "./testing/image-cloud.ts";

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

describe("visibility", () => {
  it("decides who sees an image, and 404 hides the rest", async () => {
    const [owner, other] = [somebody(), somebody()];
    const mine: { [name: string]: string } = {};
    for (const visibility of ["private", "shared", "community"])
      mine[visibility] = (await createImage(owner.token, { name: visibility, visibility })).id;
    mine["public"] = (
      await call(cloud.adminToken, "POST", "/v2/images", {
        name: "public",
        visibility: "public",
        owner: owner.projectId,
      })
    ).body["id"];
    const sees = async (visibility: string) =>
      (await call(other.token, "GET", `/v2/images/${mine[visibility]}`)).status;
    assert.deepEqual(
      [await sees("private"), await sees("shared"), await sees("community"), await sees("public")],
      [404, 404, 200, 200],
    );
    const listed = names(await call(other.token, "GET", "/v2/images"));
    assert.ok(
      listed.includes("public") &&
        !listed.includes("community") &&
        !listed.includes("private") &&
        !listed.includes("shared"),
    );
    assert.deepEqual(
      names(await call(other.token, "GET", `/v2/images?visibility=community&owner=${owner.projectId}`)),
      ["community"],
    );
    assert.deepEqual(
      names(await call(other.token, "GET", `/v2/images?visibility=all&owner=${owner.projectId}&sort=name:asc`)),
      ["community", "public"],
    );
    for (const [visibility, refused] of [
      ["private", 404],
      ["public", 403],
      ["community", 403],
    ] as const) {
      const path = `/v2/images/${mine[visibility]}`;
      assert.equal((await call(other.token, "DELETE", path)).status, refused);
      assert.equal((await call(other.token, "PATCH", path, [], PATCH)).status, refused);
      assert.equal((await upload(other.token, mine[visibility] ?? "", Buffer.from("x"))).status, refused);
      assert.equal((await call(other.token, "PUT", `${path}/tags/x`)).status, refused);
      assert.equal((await call(other.token, "POST", `${path}/actions/deactivate`)).status, refused);
    }
    assert.equal((await show(owner.token, mine["public"] ?? "")).tags.length, 0);
  });

  it("shared: the owner offers, the member answers", async () => {
    const [owner, friend, other] = [somebody(), somebody(), somebody()];
    const { id } = await createImage(owner.token, { name: "ours" });
    const members = `/v2/images/${id}/members`;
    const member = `${members}/${friend.projectId}`;
    const offered = await call(owner.token, "POST", members, { member: friend.projectId });
    assert.deepEqual(
      [offered.status, offered.body["status"], offered.body["member_id"]],
      [200, "pending", friend.projectId],
    );
    assert.equal((await call(owner.token, "POST", members, { member: friend.projectId })).status, 409);
    assert.equal((await call(owner.token, "POST", members, { member: "" })).status, 400);
    assert.equal((await call(friend.token, "GET", `/v2/images/${id}`)).status, 200);
    assert.equal((await call(other.token, "GET", `/v2/images/${id}`)).status, 404);
    assert.deepEqual(names(await call(friend.token, "GET", "/v2/images?visibility=shared")), []);
    assert.deepEqual(names(await call(friend.token, "GET", "/v2/images?visibility=shared&member_status=pending")), [
      "ours",
    ]);

    assert.equal((await call(owner.token, "PUT", member, { status: "accepted" })).status, 403);
    assert.equal((await call(other.token, "PUT", member, { status: "accepted" })).status, 404);
    assert.equal((await call(friend.token, "PUT", member, { status: "odd" })).status, 400);
    assert.equal((await call(friend.token, "PUT", member, { status: "accepted" })).body["status"], "accepted");
    assert.ok(names(await call(friend.token, "GET", "/v2/images")).includes("ours"));
    assert.equal((await call(friend.token, "PUT", member, { status: "rejected" })).status, 200);
    assert.ok(!names(await call(friend.token, "GET", "/v2/images")).includes("ours"));

    await call(owner.token, "POST", members, { member: other.projectId });
    assert.equal((await call(owner.token, "GET", members)).body["members" as never]["length"], 2);
    assert.equal((await call(friend.token, "GET", members)).body["members" as never]["length"], 1);
    assert.equal((await call(friend.token, "GET", `${members}/${other.projectId}`)).status, 404);
    assert.equal((await call(friend.token, "DELETE", member)).status, 403);
    assert.equal((await call(friend.token, "POST", members, { member: "x" })).status, 403);
    assert.equal((await call(owner.token, "DELETE", member)).status, 204);
    assert.equal((await call(owner.token, "DELETE", member)).status, 404);
    assert.equal((await call(friend.token, "GET", `/v2/images/${id}`)).status, 404);

    const lonely = await createImage(owner.token, { visibility: "private" });
    assert.equal((await call(owner.token, "POST", `/v2/images/${lonely.id}/members`, { member: "x" })).status, 403);
  });
});

describe("roles", () => {
  it("let readers read", async () => {
    const member = somebody();
    const reader = cloud.tokenFor({ projectId: member.projectId, roles: ["reader"] });
    const { id } = await createImage(member.token);
    assert.equal((await call(reader, "GET", `/v2/images/${id}`)).status, 200);
    assert.equal((await call(reader, "GET", "/v2/images")).status, 200);
    for (const [method, path] of [
      ["POST", "/v2/images"],
      ["DELETE", `/v2/images/${id}`],
      ["PUT", `/v2/images/${id}/file`],
      ["GET", `/v2/images/${id}/file`],
    ] as const) {
      assert.equal((await call(reader, method, path, {})).status, 403, `${method} ${path}`);
    }
    assert.equal((await cloud.inject({ method: "GET", url: "/image/v2/images" })).status, 401);
  });
});

describe("discovery", () => {
  it("tells versions, schemas and what is not there", async () => {
    const { token } = somebody();
    for (const path of ["", "/", "/versions"]) {
      const answer = await cloud.inject({ method: "GET", url: `/image${path}` });
      assert.equal(answer.status, 300, path);
      assert.equal(answer.body["versions"][0]["status"], "CURRENT");
    }
    for (const name of ["image", "images", "member", "members", "task", "tasks"]) {
      assert.equal((await call(token, "GET", `/v2/schemas/${name}`)).body["name"], name);
    }
    assert.deepEqual((await call(token, "GET", "/v2/info/import")).body["import-methods"]["value"], ["glance-direct"]);
    assert.equal((await call(token, "GET", "/v2/info/stores")).body["stores"][0]["id"], "file");
  });
});
