import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { type TestSwift, startSwift } from "../testing/start-swift.ts";

describe("swift: versions", () => {
  let swift: TestSwift;
  before(async () => {
    swift = await startSwift();
    await swift.as("PUT", "/old");
  });
  after(() => swift.stop());
  const get = async (path: string): Promise<string | number> => {
    const answer = await swift.as("GET", path);
    return answer.status === 200 ? answer.text : answer.status;
  };
  const usage = async (name: string): Promise<string> => {
    const { headers } = await swift.as("HEAD", name);
    return `${String(headers["x-container-object-count"])} ${String(headers["x-container-bytes-used"])}`;
  };

  it("a stack: what is written over comes back when what is there is deleted", async () => {
    assert.equal((await swift.as("PUT", "/stack", { headers: { "X-Versions-Location": "old" } })).status, 201);
    assert.equal((await swift.as("HEAD", "/stack")).headers["x-versions-location"], "old");
    await swift.as("PUT", "/stack/o", { body: "1", headers: { "X-Object-Meta-N": "1" } });
    assert.deepEqual([await usage("/stack"), await usage("/old")], ["1 1", "0 0"]);
    await swift.as("PUT", "/stack/o", { body: "22" });
    assert.deepEqual([await usage("/stack"), await usage("/old")], ["1 2", "1 1"]);
    await swift.as("PUT", "/stack/o", { body: "333" });
    assert.match((await swift.as("GET", "/old")).text, /^001o\/\d{10}\.\d{5}\n001o\/\d{10}\.\d{5}\n$/);
    assert.equal((await swift.as("DELETE", "/stack/o")).status, 204);
    assert.deepEqual([await get("/stack/o"), await usage("/old")], ["22", "1 1"]);
    await swift.as("DELETE", "/stack/o");
    assert.equal(await get("/stack/o"), "1");
    assert.equal((await swift.as("HEAD", "/stack/o")).headers["x-object-meta-n"], "1");
    assert.deepEqual([await usage("/stack"), await usage("/old")], ["1 1", "0 0"]);
    assert.equal((await swift.as("DELETE", "/stack/o")).status, 204);
    assert.equal(await get("/stack/o"), 404);
    assert.equal((await swift.as("DELETE", "/stack/o")).status, 404);
  });

  it("a history: nothing is lost, deletions are written down", async () => {
    await swift.as("PUT", "/history", { headers: { "X-History-Location": "old" } });
    await swift.as("PUT", "/history/o", { body: "1" });
    await swift.as("PUT", "/history/o", { body: "2" });
    assert.equal((await swift.as("DELETE", "/history/o")).status, 204);
    assert.equal(await get("/history/o"), 404);
    const kept = JSON.parse((await swift.as("GET", "/old?format=json")).text) as {
      bytes: number;
      content_type: string;
    }[];
    assert.deepEqual(
      kept.map((one) => [one.bytes, one.content_type.startsWith("application/x-deleted")]),
      [
        [1, false],
        [1, false],
        [0, true],
      ],
    );
  });

  it("where the older versions should go must be there", async () => {
    await swift.as("PUT", "/lost", { headers: { "X-Versions-Location": "nowhere" } });
    assert.equal((await swift.as("PUT", "/lost/o", { body: "1" })).status, 201);
    assert.equal((await swift.as("PUT", "/lost/o", { body: "2" })).status, 412);
    assert.equal(await get("/lost/o"), "1");
    assert.equal((await swift.as("POST", "/lost", { headers: { "X-Remove-Versions-Location": "x" } })).status, 204);
    assert.equal((await swift.as("PUT", "/lost/o", { body: "2" })).status, 201);
    const both = { "X-Versions-Location": "old", "X-History-Location": "old" };
    assert.equal((await swift.as("POST", "/lost", { headers: both })).status, 400);
  });

  it("versions by their ids", async () => {
    await swift.as("PUT", "/v");
    await swift.as("PUT", "/v/o", { body: "zero" });
    assert.equal((await swift.as("POST", "/v", { headers: { "X-Versions-Enabled": "true" } })).status, 204);
    assert.equal((await swift.as("HEAD", "/v")).headers["x-versions-enabled"], "True");
    const first = await swift.as("PUT", "/v/o", { body: "one" });
    const id = String(first.headers["x-object-version-id"]);
    await swift.as("PUT", "/v/o", { body: "two" });
    assert.equal(await get("/v/o"), "two");
    assert.equal(await get(`/v/o?version-id=${id}`), "one");
    assert.equal(await get("/v/o?version-id=null"), "zero");
    assert.equal(await get("/v/o?version-id=nonsense"), 404);
    const deleted = await swift.as("DELETE", "/v/o");
    assert.equal(deleted.status, 204);
    const marker = String(deleted.headers["x-object-version-id"]);
    assert.equal(await get("/v/o"), 404);
    const gone = await swift.as("GET", `/v/o?version-id=${marker}`);
    assert.deepEqual([gone.status, gone.headers["x-object-version-id"]], [404, marker]);
    const all = JSON.parse((await swift.as("GET", "/v?versions")).text) as { version_id: string; is_latest: boolean }[];
    assert.deepEqual(
      all.map((one) => one.is_latest),
      [true, false, false, false],
    );
    assert.equal(all[0]?.version_id, marker);
    const rest = await swift.as("GET", `/v?versions&marker=o&version_marker=${marker}&limit=2`);
    assert.deepEqual(
      (JSON.parse(rest.text) as { version_id: string }[]).map((one) => one.version_id),
      all.slice(1, 3).map((one) => one.version_id),
    );
    assert.equal((await swift.as("PUT", `/v/o?version-id=${id}`)).status, 201);
    assert.equal(await get("/v/o"), "one");
    assert.equal((await swift.as("POST", `/v/o?version-id=${id}`)).status, 400);
    assert.equal((await swift.as("DELETE", "/v")).status, 409);
    for (const { version_id: version } of JSON.parse((await swift.as("GET", "/v?versions")).text) as {
      version_id: string;
    }[])
      assert.equal((await swift.as("DELETE", `/v/o?version-id=${version}`)).status, 204);
    assert.equal((await swift.as("DELETE", "/v")).status, 204);
    assert.equal((await swift.as("GET", "/lost/o?version-id=abc")).status, 400);
  });
});
