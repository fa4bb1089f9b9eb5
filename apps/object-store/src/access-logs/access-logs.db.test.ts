/** Server access logs, from real requests to the objects that they become. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";

import type { Container } from "../namespace/container.model.ts";
import { s3Front } from "../s3/front.ts";
import { ok, refused } from "../s3/testing/answers.ts";
import { type S3Client, createS3Client, pathOf } from "../s3/testing/client.ts";
import { swiftFront } from "../swift/front.ts";
import { makeTar } from "../swift/testing/make-tar.ts";
import { type Answer, type Ask, swiftClient } from "../swift/testing/swift-client.ts";
import { type TestStore, createTestStore } from "../testing/test-store.ts";
import { claimLines, listDueGroups } from "./access-log.queries.ts";
import { deliverAccessLogs } from "./deliver.ts";

const FIELDS = (
  "owner bucket time ip requester requestId operation key uri status error bytes size total turnAround referrer agent version " +
  "hostId signature cipher auth host tls accessPoint byAcl region"
).split(" ");
type Entry = { [field: string]: string };

function parse(line: string): Entry {
  const values = line.match(/"[^"]*"|\[[^\]]*\]|\S+/g) ?? [];
  assert.equal(values.length, FIELDS.length, line);
  return Object.fromEntries(FIELDS.map((field, at) => [field, values[at] ?? ""]));
}

const configuration = (inner: string): string =>
  `<BucketLoggingStatus><LoggingEnabled>${inner}</LoggingEnabled></BucketLoggingStatus>`;
const into = (target: string, prefix = "l/", more = ""): string =>
  configuration(`<TargetBucket>${target}</TargetBucket><TargetPrefix>${prefix}</TargetPrefix>${more}`);

describe("server access logs", () => {
  let stand: TestStore;
  let url: string;
  let client: S3Client;
  let foreign: S3Client;
  let project: string;
  let userName: string;
  let token: string;
  let number = 0;

  before(async () => {
    stand = await createTestStore({ config: { s3WebsiteDomains: ["web.test"] } });
    url = await stand.listen({ s3: s3Front, swift: swiftFront });
    const [own, other] = [stand.accessKeyFor(), stand.accessKeyFor()];
    project = own.actor.projectId ?? "";
    userName = own.actor.userName;
    token = stand.tokenFor({ projectId: project, userName: "vera" });
    client = createS3Client(url, own);
    foreign = createS3Client(url, other);
    await stand.store.db`insert into domain (id, name) values ('default', 'Default') on conflict do nothing`;
    await stand.store.db`insert into project (id, domain_id, name) values (${project}, 'default', 'mine')`;
  });
  after(() => stand.stop());

  const swift = (method: string, path: string, ask: Ask = {}): Promise<Answer> =>
    swiftClient(url)(method, `/v1/AUTH_${project}${path}`, { token, ...ask });
  const containerOf = async (name: string): Promise<Container> => {
    const found = await stand.store.namespace.findContainer(project, name);
    assert.ok(found !== null);
    return found;
  };
  const deliver = (everySeconds = 0): Promise<number> =>
    deliverAccessLogs({ ...stand.store, log: silentLogger, region: stand.store.config.region, everySeconds });
  /** How many lines wait, of one container; when as many are there, or none any more. */
  const waiting = async (name: string): Promise<number> => {
    await stand.store.accessLog.flush();
    const rows = await stand.store.db<{ lines: string }[]>`select lines from object_access_log where bucket = ${name}`;
    return rows.map(({ lines }) => lines.split("\n").length - 1).reduce((sum, count) => sum + count, 0);
  };
  const waitForLines = (name: string, count: number): Promise<boolean> =>
    waitUntil(`${count} lines of ${name}`, async () => (await waiting(name)) >= count, { timeoutMs: 10_000 });
  const keysIn = async (name: string): Promise<string[]> => {
    const page = await stand.store.namespace.listObjects(await containerOf(name), { limit: 1000 });
    return page.entries.flatMap((entry) => ("key" in entry ? [entry.key] : []));
  };
  /** Delivers what there is, and gives all that lies in the target. */
  async function entriesIn(target: string): Promise<Entry[]> {
    await deliver();
    const texts = await Promise.all(
      (await keysIn(target)).map(async (key) => (await ok(client.send("GET", pathOf(target, key)))).text),
    );
    return texts.join("").split("\n").slice(0, -1).map(parse);
  }
  /** Two buckets of their own: one with a log, one that it goes to. */
  async function pair(body = into): Promise<{ source: string; target: string }> {
    number += 1;
    const [source, target] = [`source${number}`, `target${number}`];
    for (const name of [source, target]) await ok(client.send("PUT", `/${name}`));
    await ok(client.send("PUT", `/${source}`, { query: { logging: "" }, body: body(target) }));
    return { source, target };
  }

  it("tell of a request field by field, in Amazon's order", async () => {
    const { source, target } = await pair();
    const startedMs = Date.now();
    const put = await ok(
      client.send("PUT", pathOf(source, "d/ü x"), {
        body: "four",
        headers: { "user-agent": 'curl "8"', referer: "http://ref/\u00e9" },
      }),
    );
    const got = await ok(client.send("GET", pathOf(source, "d/ü x"), { headers: { range: "bytes=1-2" } }), 206);
    await refused(client.send("GET", pathOf(source, "none")), 404, "NoSuchKey");
    await ok(client.raw("GET", client.presign("GET", pathOf(source, "d/ü x"))));
    await ok(client.send("HEAD", pathOf(source, "d/ü x")));
    await waitForLines(source, 5);
    const all = await entriesIn(target);
    const of = (operation: string, status: string): Entry => {
      const found = all.find((entry) => entry["operation"] === operation && entry["status"] === status);
      assert.ok(found !== undefined, `${operation} ${status}`);
      return found;
    };
    const wrote = of("REST.PUT.OBJECT", "200");
    const time = Date.parse((wrote["time"] ?? "").replace(/^\[(\d+)\/(\w+)\/(\d+):(.*)\]$/, "$1 $2 $3 $4"));
    assert.ok(time >= startedMs - 1_000 && time <= Date.now(), wrote["time"]);
    for (const name of ["total", "turnAround"]) assert.match(wrote[name] ?? "", /^\d+$/);
    const requester = `arn:aws:iam::${project}:user/${userName}`;
    const shared = { owner: project, bucket: source, ip: "127.0.0.1", requester, key: "d/%C3%BC%20x", error: "-" };
    const rest = { hostId: "-", signature: "SigV4", cipher: "-", tls: "-", accessPoint: "-", byAcl: "-", region: "-" };
    const { time: _time, total: _total, turnAround: _turnAround, ...fields } = wrote;
    assert.deepEqual(fields, {
      ...shared,
      ...rest,
      requestId: put.headers["x-amz-request-id"],
      operation: "REST.PUT.OBJECT",
      uri: `"PUT /${source}/d/%C3%BC%20x HTTP/1.1"`,
      status: "200",
      bytes: "-",
      size: "4",
      referrer: '"http://ref/%E9"',
      agent: '"curl %228%22"',
      version: "-",
      auth: "AuthHeader",
      host: new URL(url).host,
    });
    const read = of("REST.GET.OBJECT", "206");
    assert.deepEqual([read["bytes"], read["size"], read["requestId"]], ["2", "4", got.headers["x-amz-request-id"]]);
    assert.deepEqual([read["agent"], read["referrer"]], ['"-"', '"-"']);
    const missing = of("REST.GET.OBJECT", "404");
    assert.deepEqual([missing["error"], missing["key"], missing["size"]], ["NoSuchKey", "none", "-"]);
    assert.ok(Number(missing["bytes"]) > 100);
    const signed = of("REST.GET.OBJECT", "200");
    assert.deepEqual([signed["auth"], signed["signature"], signed["bytes"]], ["QueryString", "SigV4", "4"]);
    assert.match(signed["uri"] ?? "", /X-Amz-Signature=REDACTED/);
    assert.deepEqual([of("REST.HEAD.OBJECT", "200")["bytes"], of("REST.HEAD.OBJECT", "200")["size"]], ["-", "4"]);
    assert.equal(all.length, 5, "and nothing of the deliveries or of reading the log");
  });

  it("name every operation, and each part of those that are many", async () => {
    const { source, target } = await pair();
    const away = await pair((own) => into(own, "away/"));
    await ok(client.send("PUT", pathOf(away.source, "from"), { body: "12345" }));
    await ok(client.send("PUT", pathOf(source, "a"), { headers: { "x-amz-copy-source": `${away.source}/from` } }));
    await ok(client.send("GET", `/${source}`, { query: { "list-type": "2" } }));
    await refused(client.send("GET", `/${source}`, { query: { policy: "" } }), 404);
    const started = await ok(client.send("POST", pathOf(source, "big"), { query: { uploads: "" } }));
    const uploadId = /<UploadId>([^<]*)/.exec(started.text)?.[1] ?? "";
    const part = await ok(
      client.send("PUT", pathOf(source, "big"), { query: { partNumber: "1", uploadId }, body: "p" }),
    );
    const etag = String(part.headers["etag"]);
    const completion = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
    await ok(client.send("POST", pathOf(source, "big"), { query: { uploadId }, body: completion }));
    const list = "<Delete><Object><Key>a</Key></Object><Object><Key>big</Key><ETag>wrong</ETag></Object></Delete>";
    await ok(client.send("POST", `/${source}`, { query: { delete: "" }, body: list }));
    await ok(client.send("DELETE", pathOf(source, "big")), 204);
    await refused(createS3Client(url, { accessKey: "nobody", secretKey: "x" }).send("GET", pathOf(source, "a")), 403);
    await refused(foreign.send("GET", pathOf(source, "a")), 403);
    await refused(client.send("PUT", `/${source}`), 409);
    const preflight = { origin: "http://a", "access-control-request-method": "GET" };
    await refused(client.send("OPTIONS", pathOf(source, "a"), { sign: "anonymous", headers: preflight }), 403);
    const site = createS3Client(url, null, { host: `${source}.web.test` });
    assert.equal((await site.send("GET", "/page")).status, 404);
    await waitForLines(source, 15);
    const told = (await entriesIn(target)).map((entry) =>
      [entry["operation"], entry["key"], entry["status"], entry["error"], entry["size"]].join(" "),
    );
    assert.deepEqual(told.toSorted(), [
      "BATCH.DELETE.OBJECT a 204 - -",
      "BATCH.DELETE.OBJECT big 412 PreconditionFailed -",
      "REST.COPY.OBJECT a 200 - 5",
      "REST.DELETE.OBJECT big 204 - -",
      "REST.GET.BUCKET - 200 - -",
      "REST.GET.BUCKETPOLICY - 404 NoSuchBucketPolicy -",
      "REST.GET.OBJECT a 403 AccessDenied -",
      "REST.GET.OBJECT a 403 InvalidAccessKeyId -",
      "REST.OPTIONS.PREFLIGHT - 403 AccessForbidden -",
      "REST.POST.MULTI_OBJECT_DELETE - 200 - -",
      "REST.POST.UPLOAD big 200 - 1",
      "REST.POST.UPLOADS big 200 - -",
      "REST.PUT.BUCKET - 409 BucketAlreadyOwnedByYou -",
      "REST.PUT.PART big 200 - 1",
      "WEBSITE.GET.OBJECT page 404 NoSuchWebsiteConfiguration -",
    ]);
    const copied = (await entriesIn(away.target)).find((entry) => entry["operation"] === "REST.COPY.OBJECT_GET");
    assert.deepEqual([copied?.["bucket"], copied?.["key"], copied?.["size"]], [away.source, "from", "5"]);
    assert.match(copied?.["uri"] ?? "", new RegExp(`^"PUT /${source}/a `));
  });

  it("tell of Swift's requests by Swift's names, and of who only an ACL let in", async () => {
    const { source, target } = await pair();
    assert.equal((await swift("PUT", `/${source}/o`, { body: "swift" })).status, 201);
    assert.equal((await swift("GET", `/${source}/o`)).status, 200);
    assert.equal((await swift("GET", `/${source}?format=json`)).status, 200);
    assert.equal((await swift("POST", `/${source}`, { headers: { "X-Container-Read": ".r:*" } })).status, 204);
    assert.equal((await swift("GET", `/${source}/o`, { token: "" })).status, 200);
    assert.equal((await swift("PUT", `/${source}/o`, { token: "", body: "x" })).status, 401);
    assert.equal((await swift("COPY", `/${source}/o`, { headers: { Destination: `${source}/copy` } })).status, 201);
    const tar = makeTar([{ name: "t1", body: "tar" }]);
    assert.equal((await swift("PUT", `/${source}?extract-archive=tar`, { body: tar })).status, 200);
    const doomed = { body: `/${source}/copy\n/${source}/never`, headers: { "Content-Type": "text/plain" } };
    assert.equal((await swift("POST", "?bulk-delete", doomed)).status, 200);
    await waitForLines(source, 12);
    const all = await entriesIn(target);
    const told = all.map((entry) =>
      [entry["operation"], entry["key"], entry["status"], entry["size"], entry["auth"], entry["byAcl"]].join(" "),
    );
    assert.deepEqual(told.toSorted(), [
      "SWIFT.BULK_DELETE.OBJECT copy 204 - Token -",
      "SWIFT.BULK_DELETE.OBJECT never 404 - Token -",
      "SWIFT.COPY.OBJECT o 201 - Token -",
      "SWIFT.COPY.OBJECT_PUT copy 201 - Token -",
      "SWIFT.EXTRACT_ARCHIVE.OBJECT t1 201 3 Token -",
      "SWIFT.GET.CONTAINER - 200 - Token -",
      "SWIFT.GET.OBJECT o 200 5 - Yes",
      "SWIFT.GET.OBJECT o 200 5 Token -",
      "SWIFT.POST.CONTAINER - 204 - Token -",
      "SWIFT.PUT.CONTAINER - 200 - Token -",
      "SWIFT.PUT.OBJECT o 201 5 Token -",
      "SWIFT.PUT.OBJECT o 401 - - -",
    ]);
    assert.ok(all.some((entry) => entry["requester"] === `arn:aws:iam::${project}:user/vera`));
    // one namespace: what is in the log is an object like any other, through both APIs, and is counted
    const [key = ""] = await keysIn(target);
    const read = await swift("GET", `/${target}/${key}`);
    assert.deepEqual([read.status, read.headers["content-type"]], [200, "text/plain"]);
    const head = await swift("HEAD", `/${target}`);
    assert.equal(head.headers["x-container-bytes-used"], String(read.body.length));
  });

  it("tell of forms and of signed addresses who let them in", async () => {
    const { source, target } = await pair();
    await ok(client.send("PUT", `/${source}`, { query: { acl: "" }, headers: { "x-amz-acl": "public-read-write" } }));
    const form = [
      '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nby/form\r\n',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nform\r\n--b--\r\n',
    ].join("");
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    await ok(createS3Client(url, null).send("POST", `/${source}`, { headers, body: form }), 204);
    await swift("POST", `/${source}`, { headers: { "X-Container-Meta-Temp-URL-Key": "key" } });
    const expires = Math.floor(Date.now() / 1000) + 600;
    const path = `/v1/AUTH_${project}/${source}/by/form`;
    const signature = createHmac("sha256", "key").update(`GET\n${expires}\n${path}`).digest("hex");
    const query = `?temp_url_sig=${signature}&temp_url_expires=${expires}`;
    assert.equal((await swift("GET", `/${source}/by/form${query}`, { token: "" })).text, "form");
    await waitForLines(source, 4);
    const told = (await entriesIn(target)).map((entry) =>
      [entry["operation"], entry["key"], entry["requester"] === "-", entry["auth"], entry["size"]].join(" "),
    );
    assert.deepEqual(told.toSorted(), [
      "REST.POST.OBJECT by/form true - 4",
      "REST.PUT.ACL - false AuthHeader -",
      "SWIFT.GET.OBJECT by/form true TempURL 4",
      "SWIFT.POST.CONTAINER - false Token -",
    ]);
  });

  it("are called as the bucket was told, and belong to whom it says", async () => {
    const day = new Date().toISOString().slice(0, 10);
    const format = (inner: string): string => `<TargetObjectKeyFormat>${inner}</TargetObjectKeyFormat>`;
    const by = (source: string): string =>
      format(`<PartitionedPrefix><PartitionDateSource>${source}</PartitionDateSource></PartitionedPrefix>`);
    const place = (source: string): string => `l/${project}/RegionOne/${source}/${day.replaceAll("-", "/")}/`;
    const unique = "[0-9A-F]{16}";
    for (const [more, begin, end] of [
      [format("<SimplePrefix/>"), () => `l/`, `${day}-\\d\\d-\\d\\d-\\d\\d-${unique}`],
      [by("DeliveryTime"), place, `${day}-\\d\\d-\\d\\d-\\d\\d-${unique}`],
      [by("EventTime"), place, `${day}-00-00-00-${unique}`],
    ] as const) {
      const grants = `<TargetGrants><Grant><Grantee><ID>auditor</ID></Grantee><Permission>READ</Permission></Grant></TargetGrants>`;
      const { source, target } = await pair((own) => into(own, "l/", grants + more));
      const shown = (await ok(client.send("GET", `/${source}`, { query: { logging: "" } }))).text;
      assert.match(shown, /<ID>auditor<\/ID>/);
      assert.equal(shown.includes("PartitionedPrefix"), more.includes("PartitionedPrefix"));
      await waitForLines(source, 1);
      await deliver();
      const [key = ""] = await keysIn(target);
      assert.match(key, new RegExp(`^${begin(source)}${end}$`));
      const acl = (await ok(client.send("GET", pathOf(target, key), { query: { acl: "" } }))).text;
      assert.match(acl, /<ID>auditor<\/ID>.*<Permission>READ<\/Permission>/);
    }
  });

  it("wait for company, go when there is much of it, and are not there twice whoever is killed", async () => {
    const { source, target } = await pair();
    await ok(client.send("PUT", pathOf(source, "x"), { body: "x" }));
    await waitForLines(source, 1);
    assert.equal(await deliver(3_600), 0);
    assert.deepEqual(await keysIn(target), []);
    // somebody decided which lines are the object, and died
    const { db } = stand.store;
    const [group] = (await listDueGroups(db, { seconds: 0, bytes: 1 })).filter(({ bucket }) => bucket === source);
    assert.ok(group !== undefined);
    await claimLines(db, group, "l/decided", 1 << 20);
    const rows = await db`select * from object_access_log where bucket = ${source}`;
    assert.equal(await deliver(3_600), 1);
    assert.deepEqual([await keysIn(target), await waiting(source)], [["l/decided"], 0]);
    // or put the object, and died before the lines went
    await db`insert into object_access_log ${db(rows.map(({ id: _id, ...row }) => ({ ...row, delivery: "l/decided" })))}`;
    await deliver(3_600);
    assert.deepEqual([await keysIn(target), await waiting(source)], [["l/decided"], 0]);
    const lines = "x".repeat(5 << 20);
    const { id, ...container } = await containerOf(source);
    const { logging } = container.settings;
    assert.ok(logging !== undefined);
    stand.store.accessLog.append({ id, projectId: project, name: source }, logging, Date.now(), `${lines}\n`);
    await stand.store.accessLog.flush();
    assert.equal(await deliver(3_600), 1);
  });

  it("keep each other from nothing when one cannot be delivered, and wait for a day at most", async () => {
    const [stuck, fine] = [await pair(), await pair()];
    for (const { source } of [stuck, fine]) {
      await ok(client.send("PUT", pathOf(source, "x"), { body: "x" }));
      await waitForLines(source, 1);
    }
    const { db, namespace } = stand.store;
    const failing: typeof namespace = {
      ...namespace,
      putObject: (origin, container, put) =>
        container.name === stuck.target
          ? Promise.reject(new Error("its key cannot be had"))
          : namespace.putObject(origin, container, put),
    };
    const region = "RegionOne";
    await deliverAccessLogs({ ...stand.store, log: silentLogger, namespace: failing, region, everySeconds: 0 });
    assert.deepEqual([(await keysIn(fine.target)).length, await waiting(fine.source)], [1, 0]);
    assert.deepEqual([await keysIn(stuck.target), await waiting(stuck.source)], [[], 1]);
    await db`update object_access_log set logged_at = now() - interval '25 hours' where bucket = ${stuck.source}`;
    await deliver(3_600);
    assert.deepEqual([await keysIn(stuck.target), await waiting(stuck.source)], [[], 0]);
  });

  it("are dropped when there is nobody to take them, and the requests go on", async () => {
    const gone = await pair();
    const denied = await pair();
    const full = await pair();
    await ok(client.send("DELETE", `/${gone.target}`), 204);
    const policy = (effect: string, principal: object): string =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: effect, Principal: principal, Action: "s3:PutObject", Resource: `arn:aws:s3:::${denied.target}/*` },
        ],
      });
    const service = { Service: "logging.s3.amazonaws.com" };
    const put = (text: string) => client.send("PUT", `/${denied.target}`, { query: { policy: "" }, body: text });
    await ok(put(policy("Deny", service)), 204);
    const quota = { "X-Container-Meta-Quota-Bytes": "1" };
    assert.equal((await swift("POST", `/${full.target}`, { headers: quota })).status, 204);
    for (const { source } of [gone, denied, full]) {
      await ok(client.send("PUT", pathOf(source, "x"), { body: "x" }));
      await waitForLines(source, 1);
    }
    await deliver();
    for (const { source } of [gone, denied, full]) assert.equal(await waiting(source), 0);
    for (const { target } of [denied, full]) assert.deepEqual(await keysIn(target), []);
    // what Amazon's guide tells people to write
    await ok(put(policy("Allow", service)), 204);
    await ok(client.send("GET", pathOf(denied.source, "x")));
    await waitForLines(denied.source, 1);
    assert.equal((await entriesIn(denied.target)).length, 1);
  });

  it("go nowhere but into a bucket of the same project", async () => {
    const { source, target } = await pair();
    await ok(foreign.send("PUT", "/somebodys"));
    const put = (body: string) => client.send("PUT", `/${source}`, { query: { logging: "" }, body });
    await refused(put(into("somebodys")), 400, "InvalidTargetBucketForLogging");
    await refused(put(into("no-such-bucket")), 400, "InvalidTargetBucketForLogging");
    await refused(put(into(target, "x".repeat(801))), 400, "InvalidArgument");
    await refused(put(into(target, "", "<TargetObjectKeyFormat/>")), 400, "MalformedXML");
    await refused(
      put(into(target, "", "<TargetGrants><Grant><Permission>READ</Permission></Grant></TargetGrants>")),
      400,
      "MalformedACLError",
    );
    assert.match((await ok(client.send("GET", `/${source}`, { query: { logging: "" } }))).text, /<TargetPrefix>l\//);
    await ok(put("<BucketLoggingStatus/>"));
    await waitForLines(source, 6);
    await deliver();
    await ok(client.send("GET", `/${source}`));
    assert.equal(await waiting(source), 0, "logging is off");
  });
});
