/**
 * Another project's bucket: every operation that there is, taken from the tables that the store itself goes by, so that one
 * that is new is asked for here on its first day.
 */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { before, it } from "node:test";

import { BUCKET_ROUTES, OBJECT_ROUTES } from "../../../apps/object-store/src/s3/routes.ts";
import { type Answer, type S3Client, type Sent, pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import { routes } from "../../../apps/object-store/src/swift/routes.ts";
import { type World, textOf } from "./world.ts";

const ID = randomBytes(4).toString("hex");
/** Of the owner's; the other project's has the same name but for its end. */
const BUCKET = `of-the-owner-${ID}`;
const OWN = `of-the-other-${ID}`;

export function itKeepsProjectsApart(world: () => World): void {
  let uploadId: string;
  let versionId: string;
  let ownUploadId: string;

  before(async () => {
    const { owner, other } = world();
    assert.equal((await owner.s3.send("PUT", pathOf(BUCKET))).status, 200);
    const versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    await owner.s3.send("PUT", pathOf(BUCKET), { query: { versioning: "" }, body: versioning });
    const put = await owner.s3.send("PUT", pathOf(BUCKET, "key"), { body: "the owner's" });
    versionId = String(put.headers["x-amz-version-id"]);
    uploadId = textOf(
      (await owner.s3.send("POST", pathOf(BUCKET, "key"), { query: { uploads: "" } })).text,
      "UploadId",
    );
    const part = await owner.s3.send("PUT", pathOf(BUCKET, "key"), {
      query: { uploadId, partNumber: "1" },
      body: "part",
    });
    assert.equal(part.status, 200);
    await owner.swift("PUT", `/${BUCKET}/slo?multipart-manifest=put`, {
      body: JSON.stringify([{ path: `/${BUCKET}/key` }]),
    });
    assert.equal((await other.s3.send("PUT", pathOf(OWN))).status, 200);
    assert.equal(
      (await other.swift("POST", "", { headers: { "X-Account-Meta-Temp-URL-Key": "other's" } })).status,
      204,
    );
    ownUploadId = textOf(
      (await other.s3.send("POST", pathOf(OWN, "key"), { query: { uploads: "" } })).text,
      "UploadId",
    );
  });

  /** All that the owner has, row by row. */
  const rows = (): Promise<string> => {
    const { cloud, owner } = world();
    const mine = `in (select id from object_container where project_id = '${owner.projectId}')`;
    const all = [
      `select a::text from object_account a where project_id = '${owner.projectId}'`,
      `select c::text from object_container c where project_id = '${owner.projectId}'`,
      `select o::text from object o where container_id ${mine}`,
      `select u::text from object_upload u where container_id ${mine}`,
      `select p::text from object_part p join object_upload u on u.id = p.upload_id where u.container_id ${mine}`,
      `select k::text from object_key k where project_id = '${owner.projectId}'`,
    ];
    return cloud.sql(`select string_agg(t, E'\\n' order by t) from (${all.join(" union all ")}) as rows (t)`);
  };

  /** Runs what must change nothing of the owner's. */
  async function changingNothing(run: () => Promise<void>): Promise<void> {
    const was = await rows();
    assert.match(was, new RegExp(BUCKET));
    await run();
    assert.equal(await rows(), was);
  }

  const strangers = (): [string, S3Client][] => {
    const { other, operator, nobody, s3At, customers } = world();
    return [
      ["another project", other.s3],
      ["nobody", nobody],
      // the operators' own accounts are unknown at the customers' door
      ["an operator at the customers' door", s3At(customers, operator)],
    ];
  };

  const assertRefused = (what: string, { status, code, text }: Answer): void => {
    assert.ok(status === 403 || status === 404, `${what}: ${status} ${text}`);
    assert.ok(!text.includes("the owner's"), what);
    if (status === 404) assert.equal(code, "NoSuchBucket", what);
  };

  it("S3: every operation on the bucket is refused, by each of its names", async () => {
    const { owner } = world();
    await changingNothing(async () => {
      for (const [who, s3] of strangers())
        for (const bucket of [BUCKET, `${owner.projectId}:${BUCKET}`])
          for (const route of Object.keys(BUCKET_ROUTES)) {
            const [method = "", subresource] = route.split(" ");
            const sent: Sent = subresource === undefined ? {} : { query: { [subresource]: "" } };
            const what = `${who}: ${route} of ${bucket}`;
            const path = pathOf(bucket);
            if (route === "POST") assertRefused(what, await sendForm(s3, path));
            else if (route === "POST delete")
              assertNoneDeleted(what, await s3.send(method, path, { ...sent, body: deletion() }));
            else assertRefused(what, await s3.send(method, path, method === "PUT" ? { ...sent, body: "<X/>" } : sent));
          }
    });
  });

  /** A form that anybody may send, if the bucket lets everybody write. */
  function sendForm(s3: S3Client, path: string): Promise<Answer> {
    const body = Buffer.from(
      '--B\r\nContent-Disposition: form-data; name="key"\r\n\r\nform\r\n' +
        '--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--B--\r\n',
    );
    const headers = { "content-type": "multipart/form-data; boundary=B", "content-length": String(body.length) };
    return s3.raw("POST", path, headers, body);
  }

  const deletion = (): string =>
    `<Delete><Object><Key>key</Key></Object><Object><Key>key</Key><VersionId>${versionId}</VersionId></Object></Delete>`;

  /** The answer is as Amazon's: each key is refused by itself. */
  function assertNoneDeleted(what: string, answer: Answer): void {
    if (answer.status !== 200) return assertRefused(what, answer);
    assert.equal(
      answer.text.match(/<Error>.*?<Code>AccessDenied<\/Code>.*?<\/Error>/g)?.length,
      2,
      `${what}: ${answer.text}`,
    );
    assert.doesNotMatch(answer.text, /<Deleted>/, what);
  }

  it("S3: every operation on an object, a version, an upload, and on what is not there", async () => {
    const { owner } = world();
    await changingNothing(async () => {
      for (const [who, s3] of strangers())
        for (const bucket of [BUCKET, `${owner.projectId}:${BUCKET}`])
          for (const route of Object.keys(OBJECT_ROUTES))
            for (const more of [{}, { versionId }, { versionId: "none" }])
              for (const key of ["key", "none"]) {
                const [method = "", subresource] = route.split(" ");
                const query: { [name: string]: string } = { ...more };
                if (subresource !== undefined) query[subresource] = subresource === "uploadId" ? uploadId : "";
                if (route === "PUT uploadId") query["partNumber"] = "1";
                const what = `${who}: ${route} of ${bucket}/${key} ${JSON.stringify(more)}`;
                const sent = method === "PUT" || method === "POST" ? { query, body: "x" } : { query };
                assertRefused(what, await s3.send(method, pathOf(bucket, key), sent));
              }
    });
  });

  it("S3: nothing of it is copied, listed or made one's own", async () => {
    const { other, owner } = world();
    await changingNothing(async () => {
      for (const source of [
        `${BUCKET}/key`,
        `${owner.projectId}:${BUCKET}/key`,
        `/${BUCKET}/key?versionId=${versionId}`,
      ]) {
        const headers = { "x-amz-copy-source": source };
        assertRefused(source, await other.s3.send("PUT", pathOf(OWN, "copy"), { headers }));
        const query = { uploadId: ownUploadId, partNumber: "1" };
        assertRefused(source, await other.s3.send("PUT", pathOf(OWN, "key"), { headers, query }));
        // nor from one's own into the other's
        await other.s3.send("PUT", pathOf(OWN, "own"), { body: "own" });
        const own = { "x-amz-copy-source": `${OWN}/own` };
        assertRefused(source, await other.s3.send("PUT", pathOf(BUCKET, "key"), { headers: own }));
      }
      assert.doesNotMatch((await other.s3.send("GET", "/")).text, new RegExp(BUCKET));
      const taken = await other.s3.send("PUT", pathOf(BUCKET));
      assert.deepEqual([taken.status, taken.code], [409, "BucketAlreadyExists"]);
      assert.equal((await other.s3.send("GET", pathOf(OWN, "copy"))).status, 404);
    });
  });

  it("Swift: every operation on the account, the container, its objects and what is not there", async () => {
    const { owner, other, operator, swift } = world();
    await changingNothing(async () => {
      for (const [who, token] of [
        ["another project", other.token],
        ["nobody", undefined],
        ["an operator at the customers' door", operator.token],
      ] as const)
        for (const { method, level, flag } of routes)
          for (const path of pathsOf(level)) {
            const query = flag === undefined ? "" : `?${flag}=tar`;
            const answer = await swift(method, `/v1/AUTH_${owner.projectId}${path}${query}`, {
              ...(token === undefined ? {} : { token }),
              headers: { Destination: `${BUCKET}/copied`, "X-Object-Meta-A": "b", Origin: "http://elsewhere.example" },
              ...(flag === "bulk-delete"
                ? { body: `${BUCKET}/key\n${BUCKET}\n` }
                : method === "PUT"
                  ? { body: "" }
                  : {}),
            });
            const what = `${who}: ${method} ${path}${query}: ${answer.status} ${answer.text}`;
            // who asks whether a page elsewhere may come is told no more than that there is a Swift here
            if (method === "OPTIONS" && answer.status === 200)
              assert.deepEqual([answer.text, answer.headers["access-control-allow-origin"]], ["", undefined], what);
            else assert.ok(isSwiftRefusal(answer.status, answer.text, flag), what);
            assert.ok(!answer.text.includes("the owner's"), what);
          }
    });
  });

  const pathsOf = (level: (typeof routes)[number]["level"]): string[] => {
    const paths = {
      account: [""],
      container: [`/${BUCKET}`, "/none"],
      object: [`/${BUCKET}/key`, `/${BUCKET}/none`, "/none/key"],
    };
    return level === "any" ? Object.values(paths).flat() : paths[level];
  };

  /** Operations on many things answer 200 and say of each what became of it. */
  const isSwiftRefusal = (status: number, text: string, flag: string | undefined): boolean =>
    [401, 403, 404].includes(status) ||
    (flag !== undefined &&
      status === 200 &&
      /Response Status: 40[0134]/.test(text) &&
      /Number (Deleted|Files Created): 0/.test(text));

  it("Swift: not by a copy, a link, a manifest, nor by an address that another key signed", async () => {
    const { owner, other, swift } = world();
    const account = `AUTH_${owner.projectId}`;
    await changingNothing(async () => {
      const from = { "X-Copy-From": `${BUCKET}/key`, "X-Copy-From-Account": account };
      assert.equal((await other.swift("PUT", `/${OWN}/copy`, { headers: from })).status, 403);
      await other.swift("PUT", `/${OWN}/own`, { body: "own" });
      const to = { Destination: `${BUCKET}/key`, "Destination-Account": account };
      assert.equal((await other.swift("COPY", `/${OWN}/own`, { headers: to })).status, 403);
      const link = { "X-Symlink-Target": `${BUCKET}/key`, "X-Symlink-Target-Account": account };
      await other.swift("PUT", `/${OWN}/link`, { headers: link });
      assert.equal((await other.swift("GET", `/${OWN}/link`)).status, 403);
      assert.equal((await other.s3.send("GET", pathOf(OWN, "link"))).status, 403);
      const manifest = JSON.stringify([{ path: `/${BUCKET}/key` }]);
      assert.ok((await other.swift("PUT", `/${OWN}/slo?multipart-manifest=put`, { body: manifest })).status >= 400);
      const expires = Math.floor(Date.now() / 1000) + 60;
      for (const method of ["GET", "PUT", "DELETE"]) {
        const path = `/v1/${account}/${BUCKET}/key`;
        const signature = createHmac("sha256", "other's").update(`${method}\n${expires}\n${path}`).digest("hex");
        const signed = await swift(method, `${path}?temp_url_sig=${signature}&temp_url_expires=${expires}`, {
          body: "",
        });
        assert.equal(signed.status, 401);
      }
    });
  });
}
