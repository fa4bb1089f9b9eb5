/** Buckets, their settings, listings and uploads through S3, on a whole store. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type TestStore, createTestStore } from "../../testing/test-store.ts";
import { s3Front } from "../front.ts";
import { ok, refused } from "../testing/answers.ts";
import { type Answer, type S3Client, createS3Client, pathOf } from "../testing/client.ts";
import { childText, childrenOf } from "../xml/parse.ts";

let stand: TestStore;
let url: string;
let client: S3Client;
let other: S3Client;
let anonymous: S3Client;
let project: string;
let stranger: string;

before(async () => {
  stand = await createTestStore({ config: { s3Domains: ["s3.test"], s3WebsiteDomains: ["web.test"] } });
  url = await stand.listen({ s3: s3Front });
  const [own, foreign] = [stand.accessKeyFor(), stand.accessKeyFor()];
  project = own.actor.projectId ?? "";
  stranger = foreign.actor.projectId ?? "";
  client = createS3Client(url, own);
  other = createS3Client(url, foreign);
  anonymous = createS3Client(url, null);
  await ok(client.send("PUT", "/docs"));
});
after(() => stand.stop());

const put = (what: string, body: string, who = client): Promise<Answer> =>
  who.send("PUT", "/docs", { query: { [what]: "" }, body });
const get = (what: string, who = client): Promise<Answer> => who.send("GET", "/docs", { query: { [what]: "" } });
const drop = (what: string): Promise<Answer> => client.send("DELETE", "/docs", { query: { [what]: "" } });

const names = (answer: Answer, element: string, child: string): (string | undefined)[] =>
  childrenOf(answer.xml(), element).map((each) => childText(each, child));

test("names are everybody's, buckets are one's own", async () => {
  await refused(client.send("PUT", "/docs"), 409, "BucketAlreadyOwnedByYou");
  await refused(other.send("PUT", "/docs"), 409, "BucketAlreadyExists");
  for (const name of ["ab", "Capital", "a..b", "192.168.0.1", "xn--x", "-a-", "a".repeat(64), "a_b"])
    await refused(client.send("PUT", pathOf(name)), 400, "InvalidBucketName");
  await refused(anonymous.send("PUT", "/anonymous"), 403, "AccessDenied");
  const listed = await ok(client.send("GET", "/"));
  assert.match(listed.text, /<Name>docs<\/Name>/);
  assert.match(listed.text, new RegExp(`<ID>${project}</ID>`));
  assert.doesNotMatch((await ok(other.send("GET", "/"))).text, /docs/);
  const head = await ok(client.send("HEAD", "/docs"));
  assert.equal(head.headers["x-amz-bucket-region"], "RegionOne");
  assert.match((await ok(get("location"))).text, /RegionOne/);
  const elsewhere =
    "<CreateBucketConfiguration><LocationConstraint>mars-1</LocationConstraint></CreateBucketConfiguration>";
  await refused(client.send("PUT", "/elsewhere", { body: elsewhere }), 400, "InvalidLocationConstraint");
  await ok(client.send("PUT", "/brief"));
  await ok(client.send("PUT", "/brief/x", { body: "x" }));
  await refused(client.send("DELETE", "/brief"), 409, "BucketNotEmpty");
  await refused(other.send("DELETE", "/brief"), 403, "AccessDenied");
  await ok(client.send("DELETE", "/brief/x"), 204);
  const begun = await ok(client.send("POST", "/brief/never-ended", { query: { uploads: "" } }));
  assert.match(begun.text, /<UploadId>/);
  await ok(client.send("DELETE", "/brief"), 204);
  await refused(client.send("DELETE", "/brief"), 404, "NoSuchBucket");
  await refused(client.send("HEAD", "/docs", { headers: { "x-amz-expected-bucket-owner": stranger } }), 403);
});

test("a bucket's settings are kept, shown and taken away", async () => {
  const documents: [string, string, string][] = [
    [
      "cors",
      "<CORSConfiguration><CORSRule><AllowedOrigin>https://a.test</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
      "NoSuchCORSConfiguration",
    ],
    [
      "lifecycle",
      "<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
      "NoSuchLifecycleConfiguration",
    ],
    [
      "website",
      "<WebsiteConfiguration><IndexDocument><Suffix>i.html</Suffix></IndexDocument></WebsiteConfiguration>",
      "NoSuchWebsiteConfiguration",
    ],
    [
      "publicAccessBlock",
      "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>",
      "NoSuchPublicAccessBlockConfiguration",
    ],
    [
      "ownershipControls",
      "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>",
      "OwnershipControlsNotFoundError",
    ],
    ["tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>", "NoSuchTagSet"],
  ];
  for (const [what, document, missing] of documents) {
    await refused(get(what), 404, missing);
    assert.equal((await put(what, document)).status, what === "tagging" ? 204 : 200, what);
    const inner = /<\w+>(.*)<\/\w+>$/.exec(document)?.[1] ?? "";
    const shown = (await ok(get(what))).text;
    assert.ok(shown.includes(inner.slice(0, 10)), shown);
    await refused(get(what, other), 403, "AccessDenied");
    await refused(put(what, document, other), 403, "AccessDenied");
    await refused(put(what, document.slice(0, -3)), 400, "MalformedXML");
    await refused(put(what, ""), 400, "MissingRequestBodyError");
    await ok(drop(what), 204);
    await refused(get(what), 404, missing);
  }
  await ok(
    put(
      "logging",
      "<BucketLoggingStatus><LoggingEnabled><TargetBucket>docs</TargetBucket><TargetPrefix>l/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>",
    ),
  );
  assert.match((await ok(get("logging"))).text, /<TargetPrefix>l\/<\/TargetPrefix>/);
  await ok(put("logging", "<BucketLoggingStatus/>"));
  assert.doesNotMatch((await ok(get("logging"))).text, /TargetBucket/);
  await ok(
    put(
      "encryption",
      "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>books</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    ),
  );
  const sealed = await ok(client.send("PUT", "/docs/sealed", { body: "x" }));
  assert.equal(sealed.headers["x-amz-server-side-encryption-aws-kms-key-id"], "books");
  await ok(drop("encryption"), 204);
  assert.match((await ok(get("encryption"))).text, /AES256/);
  for (const what of ["requestPayment", "accelerate", "notification"]) await ok(get(what));
  await refused(get("replication"), 404, "ReplicationConfigurationNotFoundError");
});

test("listings: prefixes, delimiters, pages and tokens", async () => {
  await ok(client.send("PUT", "/lists"));
  const keys = ["a", "b/1", "b/2", "b/c/3", "d", "e/4"];
  for (const key of keys) await ok(client.send("PUT", pathOf("lists", key), { body: key }));
  const list = (query: { [name: string]: string }): Promise<Answer> => ok(client.send("GET", "/lists", { query }));
  assert.deepEqual(names(await list({ "list-type": "2" }), "Contents", "Key"), keys);
  const rolled = await list({ delimiter: "/" });
  assert.deepEqual(names(rolled, "Contents", "Key"), ["a", "d"]);
  assert.deepEqual(names(rolled, "CommonPrefixes", "Prefix"), ["b/", "e/"]);
  const inside = await list({ "list-type": "2", prefix: "b/", delimiter: "/" });
  assert.deepEqual(names(inside, "Contents", "Key"), ["b/1", "b/2"]);
  assert.deepEqual(names(inside, "CommonPrefixes", "Prefix"), ["b/c/"]);
  for (const size of ["1", "2", "4"]) {
    const seen: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page = await list({
        "list-type": "2",
        delimiter: "/",
        "max-keys": size,
        ...(token === undefined ? {} : { "continuation-token": token }),
      });
      seen.push(...names(page, "Contents", "Key"), ...names(page, "CommonPrefixes", "Prefix"));
      token = childText(page.xml(), "NextContinuationToken");
      assert.equal(childText(page.xml(), "IsTruncated"), String(token !== undefined));
    } while (token !== undefined);
    assert.deepEqual(new Set(seen), new Set(["a", "b/", "d", "e/"]));
    assert.equal(seen.length, 4);
  }
  const page = await list({ "max-keys": "2", delimiter: "/" });
  assert.equal(childText(page.xml(), "NextMarker"), "b/");
  assert.deepEqual(names(await list({ marker: "b/", delimiter: "/" }), "CommonPrefixes", "Prefix"), ["e/"]);
  assert.deepEqual(names(await list({ "list-type": "2", "start-after": "b/2" }), "Contents", "Key"), [
    "b/c/3",
    "d",
    "e/4",
  ]);
  assert.equal(childText((await list({ "list-type": "2", "max-keys": "0" })).xml(), "KeyCount"), "0");
  const owner = await list({ "list-type": "2", "fetch-owner": "true" });
  assert.match(owner.text, new RegExp(project));
  for (const query of [
    { "max-keys": "x" },
    { "max-keys": "-1" },
    { "encoding-type": "rot13" },
    { "list-type": "2", "continuation-token": "%%%" },
  ])
    await refused(client.send("GET", "/lists", { query: query as { [name: string]: string } }), 400, "InvalidArgument");
});

test("pages of versions go on where they ended, even when what they ended with was deleted", async () => {
  await ok(client.send("PUT", "/history"));
  await ok(
    client.send("PUT", "/history", {
      query: { versioning: "" },
      body: "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    }),
  );
  for (const key of ["a", "a", "a", "b", "b"]) await ok(client.send("PUT", `/history/${key}`, { body: key }));
  await ok(client.send("DELETE", "/history/a"), 204);
  let markers: { [name: string]: string } = {};
  const seen: string[] = [];
  for (;;) {
    const page = await ok(client.send("GET", "/history", { query: { versions: "", "max-keys": "2", ...markers } }));
    for (const element of page.xml().children)
      if (element.name === "Version" || element.name === "DeleteMarker") {
        seen.push(`${childText(element, "Key")} ${element.name} ${childText(element, "IsLatest")}`);
        await ok(
          client.send("DELETE", `/history/${childText(element, "Key")}`, {
            query: { versionId: childText(element, "VersionId") ?? "" },
          }),
          204,
        );
      }
    if (childText(page.xml(), "IsTruncated") === "false") break;
    markers = {
      "key-marker": childText(page.xml(), "NextKeyMarker") ?? "",
      "version-id-marker": childText(page.xml(), "NextVersionIdMarker") ?? "",
    };
  }
  assert.equal(seen.length, 6);
  assert.equal(seen[0], "a DeleteMarker true");
  assert.equal(seen.filter((each) => each.startsWith("b Version")).length, 2);
  await ok(client.send("DELETE", "/history"), 204);
});

test("a policy lets a stranger in, and shuts even members out", async () => {
  await ok(client.send("PUT", "/docs/shared", { body: "shared" }));
  await ok(client.send("PUT", "/docs/shut", { body: "shut" }));
  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: [`arn:aws:iam::${stranger}:root`] },
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::docs/*",
      },
      {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::docs/shared",
        Condition: { StringEquals: { "aws:UserAgent": "friend" } },
      },
      { Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::docs/shut" },
    ],
  });
  await ok(put("policy", policy), 204);
  assert.deepEqual(JSON.parse((await ok(get("policy"))).text), JSON.parse(policy));
  assert.equal((await ok(other.send("GET", "/docs/shared"))).text, "shared");
  await refused(other.send("GET", "/docs/not-there"), 403, "AccessDenied");
  await refused(other.send("PUT", "/docs/shared", { body: "x" }), 403, "AccessDenied");
  await refused(other.send("GET", "/docs/shut"), 403, "AccessDenied");
  await refused(client.send("GET", "/docs/shut"), 403, "AccessDenied");
  await refused(anonymous.send("GET", "/docs/shared"), 403, "AccessDenied");
  await ok(anonymous.send("GET", "/docs/shared", { headers: { "user-agent": "friend" } }));
  assert.match((await ok(get("policyStatus"))).text, /<IsPublic>true</);
  const blocked =
    "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>";
  await ok(put("publicAccessBlock", blocked));
  await refused(anonymous.send("GET", "/docs/shared", { headers: { "user-agent": "friend" } }), 403, "AccessDenied");
  await refused(put("policy", policy), 403, "AccessDenied");
  await ok(drop("publicAccessBlock"), 204);
  await ok(drop("policy"), 204);
  await refused(get("policy"), 404, "NoSuchBucketPolicy");
  await refused(put("policy", "{"), 400, "MalformedPolicy");
});

test("who is refused is written down; who did not sign is not", async () => {
  await refused(other.send("GET", "/docs/refused-in-the-log"), 403, "AccessDenied");
  await refused(anonymous.send("GET", "/docs/anonymous-in-the-log"), 403, "AccessDenied");
  const find = async (): Promise<{ detail: string }[]> =>
    stand.store.db<{ detail: string }[]>`select body as detail from event where action = 'object-store.request.refuse'`;
  await waitUntil("the event", async () => (await find()).some(({ detail }) => detail.includes("refused-in-the-log")), {
    timeoutMs: 10_000,
  });
  assert.ok((await find()).every(({ detail }) => !detail.includes("anonymous-in-the-log")));
});

test("object lock: nobody deletes what is held", async () => {
  await ok(client.send("PUT", "/locked", { headers: { "x-amz-bucket-object-lock-enabled": "true" } }));
  const written = await ok(
    client.send("PUT", "/locked/x", {
      body: "x",
      headers: {
        "x-amz-object-lock-mode": "COMPLIANCE",
        "x-amz-object-lock-retain-until-date": new Date(Date.now() + 3_600_000).toISOString(),
      },
    }),
  );
  const versionId = String(written.headers["x-amz-version-id"]);
  const bypass = { "x-amz-bypass-governance-retention": "true" };
  await refused(client.send("DELETE", "/locked/x", { query: { versionId }, headers: bypass }), 403, "AccessDenied");
  const operatorUrl = await stand.listen({ s3: s3Front }, "operator");
  const operator = createS3Client(operatorUrl, stand.accessKeyFor({ directory: "operator", roles: ["admin"] }));
  await refused(operator.send("DELETE", "/locked/x", { query: { versionId }, headers: bypass }), 403, "AccessDenied");
  const shorter = `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>${new Date(Date.now() + 60_000).toISOString()}</RetainUntilDate></Retention>`;
  await refused(
    client.send("PUT", "/locked/x", { query: { retention: "", versionId }, body: shorter, headers: bypass }),
    403,
    "AccessDenied",
  );
  assert.match((await ok(client.send("GET", "/locked/x", { query: { retention: "", versionId } }))).text, /COMPLIANCE/);
  await refused(
    client.send("PUT", "/docs/x", { body: "x", headers: { "x-amz-object-lock-legal-hold": "ON" } }),
    400,
    "InvalidRequest",
  );
  const off = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
  await refused(client.send("PUT", "/locked", { query: { versioning: "" }, body: off }), 409, "InvalidBucketState");
  assert.equal((await ok(operator.send("GET", "/locked/x"))).text, "x");
});

test("browsers are told what the bucket's rules allow", async () => {
  await ok(
    put(
      "cors",
      "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.test</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader><MaxAgeSeconds>9</MaxAgeSeconds></CORSRule></CORSConfiguration>",
    ),
  );
  const ask = (headers: { [name: string]: string }): Promise<Answer> => anonymous.raw("OPTIONS", "/docs/x", headers);
  const allowed = await ok(
    ask({
      origin: "https://a.test",
      "access-control-request-method": "PUT",
      "access-control-request-headers": "X-Foo",
    }),
  );
  assert.equal(allowed.headers["access-control-allow-origin"], "https://a.test");
  assert.equal(allowed.headers["access-control-allow-headers"], "X-Foo");
  assert.equal(allowed.headers["access-control-max-age"], "9");
  await refused(ask({ origin: "https://evil", "access-control-request-method": "PUT" }), 403, "AccessForbidden");
  await refused(ask({ origin: "https://a.test", "access-control-request-method": "DELETE" }), 403, "AccessForbidden");
  await refused(ask({}), 400, "BadRequest");
  const written = await ok(client.send("PUT", "/docs/x", { body: "x", headers: { origin: "https://a.test" } }));
  assert.equal(written.headers["access-control-allow-origin"], "https://a.test");
  assert.equal(
    (await ok(client.send("PUT", "/docs/x", { body: "x", headers: { origin: "https://b" } }))).headers[
      "access-control-allow-origin"
    ],
    undefined,
  );
});

test("a bucket before a domain, and a bucket as a website", async () => {
  const own = stand.accessKeyFor({ projectId: project });
  const hosted = createS3Client(url, own, { host: "site.s3.test:8080" });
  await ok(client.send("PUT", "/site"));
  await ok(
    hosted.send("PUT", "/index.html", {
      body: "<h1>home</h1>",
      headers: { "content-type": "text/html", "x-amz-acl": "public-read" },
    }),
  );
  await ok(hosted.send("PUT", "/sub/index.html", { body: "sub", headers: { "x-amz-acl": "public-read" } }));
  await ok(hosted.send("PUT", "/error.html", { body: "oops", headers: { "x-amz-acl": "public-read" } }));
  await ok(hosted.send("PUT", "/private", { body: "secret" }));
  await ok(
    hosted.send("PUT", "/moved", {
      body: "",
      headers: { "x-amz-acl": "public-read", "x-amz-website-redirect-location": "/index.html" },
    }),
  );
  assert.deepEqual(names(await ok(hosted.send("GET", "/")), "Contents", "Key"), [
    "error.html",
    "index.html",
    "moved",
    "private",
    "sub/index.html",
  ]);
  const site = createS3Client(url, null, { host: "site.web.test" });
  await refused(site.raw("GET", "/"), 404);
  await ok(
    hosted.send("PUT", "/", {
      query: { website: "" },
      body: "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>error.html</Key></ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>sub/</ReplaceKeyPrefixWith></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>",
    }),
  );
  const home = await ok(site.raw("GET", "/"));
  assert.equal(home.text, "<h1>home</h1>");
  assert.equal(home.headers["content-type"], "text/html");
  assert.equal((await ok(site.raw("GET", "/sub/"))).text, "sub");
  assert.equal((await refused(site.raw("GET", "/sub"), 302)).headers.location, "/sub/");
  assert.equal((await refused(site.raw("GET", "/moved"), 301)).headers.location, "/index.html");
  assert.equal((await refused(site.raw("GET", "/old/x"), 301)).headers.location, "http://site.web.test/sub/x");
  assert.equal((await refused(site.raw("GET", "/private"), 403)).text, "oops");
  assert.equal((await refused(site.raw("GET", "/nothing"), 403)).text, "oops");
  await refused(site.raw("POST", "/"), 405);
  await refused(createS3Client(url, null, { host: "nowhere.web.test" }).raw("GET", "/"), 404);
});

test("what a client says twice or not at all is answered, and by no 5xx", async () => {
  const length = await anonymous
    .raw("PUT", "/docs/x", { "content-length": "5", "transfer-encoding": "chunked" }, Buffer.from("0\r\n\r\n"))
    .catch((error: Error) => error);
  assert.ok(length instanceof Error || length.status < 500);
  const odd = [
    "/%2e%2e/%2e%2e",
    "//",
    "/docs//",
    "/docs/%00",
    "/docs?max-keys=%zz",
    "/docs?versionId=%00",
    "/docs/x?versionId=%00",
    "/docs/x?partNumber=0",
    "/docs/x?uploadId=%00&partNumber=1",
    "/docs?prefix=%00",
    "/docs?uploads&prefix=%00&key-marker=%00",
    "/docs?versions&key-marker=a&version-id-marker=%00",
    `/${"x".repeat(3000)}`,
    "/docs/x?acl&tagging",
    "/a%2Fb/c",
  ];
  for (const path of odd)
    for (const method of ["GET", "PUT", "DELETE", "POST", "HEAD"]) {
      const [plain = "", query = ""] = path.split("?");
      const parsed = Object.fromEntries(
        query
          .split("&")
          .filter((each) => each !== "" && !each.includes("%zz"))
          .map((each) => each.split("=").map(decodeURIComponent))
          .map(([name = "", value = ""]) => [name, value]),
      );
      const answer = await client.send(method, plain, { query: parsed });
      assert.ok(answer.status <= 501 && answer.status !== 500, `${method} ${path}: ${answer.status} ${answer.text}`);
      const { status } = await anonymous.raw(method, path);
      assert.ok(status <= 501 && status !== 500, `${method} ${path}: ${status}`);
    }
});
