/** A lock in compliance mode, against the operator: by every way that the APIs have, with every right that there is. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { createHttp } from "@andromede/openstack-client/http";

import { type Answer, type S3Client, type Sent, pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import { connectApi } from "../support/api.ts";
import { type Party, type World, takeLocksAway } from "./world.ts";

const BUCKET = `locked-${randomBytes(4).toString("hex")}`;
const KEPT = "kept until its time has come";
/** Longer than the test; at its end somebody with the database's password takes the locks away. */
const UNTIL = new Date(Date.now() + 30 * 86_400_000).toISOString();
const GOVERNED_UNTIL = new Date(Date.now() + 86_400_000).toISOString();

const retentionOf = (mode: string, until: string): string =>
  `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`;
const BYPASS = { "x-amz-bypass-governance-retention": "true" };

export function itKeepsWhatIsLocked(world: () => World): void {
  let versionId: string;
  /** Swift's end of it has come a moment later. */
  let endedVersionId: string;
  let row: string;

  before(async () => {
    const { archive } = world();
    const made = await archive.s3.send("PUT", pathOf(BUCKET), {
      headers: { "x-amz-bucket-object-lock-enabled": "true" },
    });
    assert.equal(made.status, 200, made.text);
    const put = await archive.s3.send("PUT", pathOf(BUCKET, "key"), {
      body: KEPT,
      headers: {
        "x-amz-object-lock-mode": "COMPLIANCE",
        "x-amz-object-lock-retain-until-date": UNTIL,
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "archive",
      },
    });
    assert.equal(put.status, 200, put.text);
    versionId = String(put.headers["x-amz-version-id"]);
    const lock = `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>`;
    assert.equal(
      (await archive.s3.send("PUT", pathOf(BUCKET), { query: { "object-lock": "" }, body: lock })).status,
      200,
    );
    const ended = await archive.swift("PUT", `/${BUCKET}/ended`, { body: KEPT, headers: { "X-Delete-After": "1" } });
    assert.equal(ended.status, 201);
    endedVersionId = String(ended.headers["x-object-version-id"]);
    row = await rowOf(versionId);
    assert.match(row, /COMPLIANCE/);
  });

  const mine = (): string => `in (select id from object_container where project_id = '${world().archive.projectId}')`;
  /** The version itself, but for whether something newer hides it. */
  const sql = async (statement: string): Promise<string> => (await world().cloud.sql(statement)).trim();
  const rowOf = (id: string): Promise<string> =>
    sql(`select to_jsonb(o) - 'is_current' from object o where version_id = '${id}' and container_id ${mine()}`);
  /** Keys that the locked version is sealed with: the one it names, and the project's. */
  const keysLeft = (): Promise<string> => {
    const of = `project_id = '${world().archive.projectId}'`;
    return sql(`select (select count(*) from object_key where name = 'archive' and ${of}) || '/' ||
      (select count(*) from project_key where wrapped_key is not null and ${of})`);
  };

  async function assertKept(what: string): Promise<void> {
    assert.equal(await rowOf(versionId), row, what);
    assert.notEqual(await rowOf(endedVersionId), "", what);
    assert.equal(await keysLeft(), "1/1", what);
    for (const [key, id] of [
      ["key", versionId],
      ["ended", endedVersionId],
    ] as const) {
      // by the operator: the project's own people are shut out in the end
      const got = await byOperator().send("GET", bucketPath(key), { query: { versionId: id } });
      assert.deepEqual([got.status, got.text], [200, KEPT], what);
    }
  }

  const byOperator = (): S3Client => world().operator.s3;
  const bucketPath = (key?: string): string => pathOf(`${world().archive.projectId}:${BUCKET}`, key);

  it("S3: neither the owner nor the operator, with or without leave to go over governance", async () => {
    const { archive } = world();
    await waitUntil(
      "Swift's end of what it was given one",
      async () => (await archive.s3.send("GET", pathOf(BUCKET, "ended"))).status === 404,
      { timeoutMs: 10_000 },
    );
    const change = (query: { [name: string]: string }, body: string, more: Sent = {}): [string, Sent] => [
      "PUT",
      { query: { versionId, ...query }, body, ...more },
    ];
    for (const [who, s3, path] of [
      ["the owner", archive.s3, pathOf(BUCKET, "key")],
      ["the operator", byOperator(), bucketPath("key")],
    ] as const)
      for (const headers of [{}, BYPASS])
        for (const [method, sent] of [
          ["DELETE", { query: { versionId } }],
          change({ retention: "" }, retentionOf("COMPLIANCE", new Date(Date.now() + 60_000).toISOString())),
          change({ retention: "" }, retentionOf("GOVERNANCE", UNTIL)),
          change({ retention: "" }, retentionOf("GOVERNANCE", new Date(Date.now() + 90 * 86_400_000).toISOString())),
          change({ retention: "" }, "<Retention/>"),
        ] as [string, Sent][]) {
          const answer = await s3.send(method, path, { ...sent, headers });
          assert.deepEqual([answer.status, answer.code], [403, "AccessDenied"], `${who} ${JSON.stringify(sent)}`);
        }
    await assertKept("S3");
    for (const headers of [{}, BYPASS]) {
      const ids = [
        `<Key>key</Key><VersionId>${versionId}</VersionId>`,
        `<Key>ended</Key><VersionId>${endedVersionId}</VersionId>`,
      ];
      const body = `<Delete>${ids.map((id) => `<Object>${id}</Object>`).join("")}</Delete>`;
      const answer = await byOperator().send("POST", bucketPath(), { query: { delete: "" }, body, headers });
      assert.equal(answer.text.match(/<Code>AccessDenied<\/Code>/g)?.length, 2, answer.text);
    }
    await assertKept("many at once");
  });

  it("S3: not by the bucket: its deletion, versions, lock, lifecycle, policy, keys", async () => {
    const lifecycle =
      "<LifecycleConfiguration><Rule><ID>all</ID><Status>Enabled</Status><Filter/><Expiration><Date>2020-01-01T00:00:00Z</Date></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>";
    const policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: "*",
          Action: "s3:*",
          Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`],
        },
      ],
    });
    const sse = (key: string): string =>
      `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${key}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`;
    const put = (name: string, body: string): [string, Sent] => ["PUT", { query: { [name]: "" }, body }];
    for (const [status, [method, sent]] of [
      [409, ["DELETE", {}]],
      [409, put("versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")],
      [
        400,
        put(
          "object-lock",
          "<ObjectLockConfiguration><ObjectLockEnabled>Disabled</ObjectLockEnabled></ObjectLockConfiguration>",
        ),
      ],
      // what is there keeps what it has
      [
        200,
        put(
          "object-lock",
          "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
        ),
      ],
      [200, put("lifecycle", lifecycle)],
      [204, put("policy", policy)],
      [200, put("encryption", sse("another"))],
    ] as [number, [string, Sent]][]) {
      const answer: Answer = await byOperator().send(method, bucketPath(), sent);
      assert.equal(answer.status, status, `${JSON.stringify(sent)}: ${answer.text}`);
    }
    // allowed by the policy, and not by the lock
    for (const s3 of [world().nobody, world().other.s3]) {
      const answer = await s3.send("DELETE", pathOf(BUCKET, "key"), { query: { versionId }, headers: BYPASS });
      assert.equal(answer.status, 403, answer.text);
    }
    assert.equal((await byOperator().send("DELETE", bucketPath(), { query: { policy: "" } })).status, 204);
    // a delete marker hides it, an object over it too; neither takes it away
    assert.equal((await byOperator().send("DELETE", bucketPath("key"))).status, 204);
    assert.equal((await byOperator().send("PUT", bucketPath("key"), { body: "something else" })).status, 200);
    await assertKept("the bucket");
  });

  it("Swift: not as a reseller, at the operators' door", async () => {
    const { operator, operators, ca } = world();
    const account = `/v1/AUTH_${world().archive.projectId}`;
    const http = createHttp({ caFile: join(world().cloud.directory, "tls/ca.crt") });
    assert.ok(ca.length > 0);
    const swift = async (
      method: string,
      path: string,
      headers: { [name: string]: string } = {},
      body = "",
    ): Promise<string> => {
      const answer = await http.send({
        method,
        url: `${operators.url}${account}${path}`,
        headers: { "x-auth-token": operator.token, "content-length": String(Buffer.byteLength(body)), ...headers },
        body,
      });
      world().heard.push({ what: `Swift ${method} ${path}`, status: answer.status });
      return `${answer.status} ${answer.body.toString()}`;
    };
    assert.match(await swift("GET", `/${BUCKET}?versions`), /^200 /);
    assert.match(await swift("DELETE", `/${BUCKET}/key?version-id=${versionId}`), /^403 /);
    assert.match(
      await swift("POST", "?bulk-delete", { "content-type": "text/plain" }, `/${BUCKET}`),
      /409 Conflict|Number Deleted: 0/,
    );
    for (const headers of [
      { "X-Versions-Enabled": "false" },
      { "X-Versions-Location": "elsewhere" },
      { "X-History-Location": "elsewhere" },
    ])
      assert.match(await swift("POST", `/${BUCKET}`, headers), /^4\d\d /, JSON.stringify(headers));
    assert.match(await swift("DELETE", `/${BUCKET}`), /^409 /);
    // Swift's POST is of what is current
    const made = await byOperator().send("PUT", bucketPath("current"), {
      body: KEPT,
      headers: { "x-amz-object-lock-mode": "COMPLIANCE", "x-amz-object-lock-retain-until-date": UNTIL },
    });
    assert.equal(made.status, 200, made.text);
    for (const headers of [
      { "X-Delete-After": "1" },
      { "X-Object-Manifest": `${BUCKET}/another` },
      { "X-Object-Meta-A": "b" },
      { "Content-Type": "text/other" },
      {},
    ])
      assert.match(await swift("POST", `/${BUCKET}/current`, headers), /^403 /, JSON.stringify(headers));
    const seen = await byOperator().send("GET", bucketPath("current"));
    assert.deepEqual([seen.text, seen.headers["x-amz-object-lock-mode"]], [KEPT, "COMPLIANCE"]);
    http.close();
    await assertKept("Swift");
  });

  it("governance gives way to whoever may go over it, which compliance does not", async () => {
    const headers = { "x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": GOVERNED_UNTIL };
    const put = await byOperator().send("PUT", bucketPath("governed"), { body: "x", headers });
    const query = { versionId: String(put.headers["x-amz-version-id"]) };
    assert.equal((await byOperator().send("DELETE", bucketPath("governed"), { query })).status, 403);
    assert.equal((await byOperator().send("DELETE", bucketPath("governed"), { query, headers: BYPASS })).status, 204);
  });

  it("Identity: without its people, its keys and its project, whose purge waits and destroys no key", async () => {
    const { cloud, archive } = world();
    const api = connectApi(cloud, "andromede-operator");
    await api.call("identity", "DELETE", `/users/${archive.userId}`);
    await api.call("identity", "PATCH", `/projects/${archive.projectId}`, { body: { project: { enabled: false } } });
    await assertKept("without its people");
    await api.call("identity", "DELETE", `/projects/${archive.projectId}`);
    await assertKept("deleted");
    const { token } = await api.session();
    api.close();
    const purge = purger(world(), archive, token);
    await purge("POST");
    const waiting = await waitUntil(
      "the purge to say what it waits for",
      async () => {
        const { project_purge: told } = await purge("GET");
        return told.reason !== null && told;
      },
      { timeoutMs: 30_000, everyMs: 100 },
    );
    assert.equal(waiting.status, "purging");
    assert.match(waiting.reason ?? "", /holds objects that are locked/);
    await assertKept("while it is purged");
    // asked again, nothing else is done
    await purge("POST");
    await assertKept("asked twice");
  });

  it("what it cannot resist: who has the database's password takes the lock away, and the purge goes on to its end", async () => {
    const { cloud, archive } = world();
    await takeLocksAway(cloud, archive.projectId);
    await cloud.andromede("project", "purge", archive.projectId, "--yes");
    assert.equal(await rowOf(versionId), "");
    assert.equal(await keysLeft(), "0/0");
  });
}

type Purge = { project_purge: { status: string; reason: string | null } };

/** The operators' own API. */
function purger({ cloud }: World, { projectId }: Party, token: string): (method: "GET" | "POST") => Promise<Purge> {
  const { ports } = JSON.parse(readFileSync(join(cloud.directory, "config.json"), "utf8")) as {
    ports: { operator: number };
  };
  const base = `https://127.0.0.1:${ports.operator}/operator/v1/project-purges`;
  return async (method) => {
    const http = createHttp({ caFile: join(cloud.directory, "tls/ca.crt") });
    try {
      const answer = await http.send({
        method,
        url: method === "GET" ? `${base}/${projectId}` : base,
        headers: { "x-auth-token": token, "content-type": "application/json" },
        ...(method === "POST" ? { body: JSON.stringify({ project_purge: { project_id: projectId } }) } : {}),
      });
      assert.ok(answer.status < 300, answer.body.toString());
      return JSON.parse(answer.body.toString()) as Purge;
    } finally {
      http.close();
    }
  };
}
