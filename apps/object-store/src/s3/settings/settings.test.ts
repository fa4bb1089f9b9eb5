/** Documents of buckets: read, shown, and read again. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { parseXml } from "../xml/parse.ts";
import { parseLogging, parseOwnership, parsePublicAccessBlock, parseVersioning } from "./bucket-settings.ts";
import { corsDocument, corsHeaders, findRule, parseCors } from "./cors.ts";
import { checkKeyId, keyFor, parseBucketEncryption, readCustomerKey, readEncryption } from "./encryption.ts";
import { lifecycleDocument, parseLifecycle } from "./lifecycle.ts";
import { objectLockDocument, parseObjectLock, parseRetention, readLock } from "./object-lock.ts";
import { parseTagHeader, parseTagging, taggingDocument } from "./tags.ts";
import { findRedirect, indexKey, parseWebsite, redirectAll, websiteDocument } from "./website.ts";

const xml = (text: string) => parseXml(Buffer.from(text));

test("lifecycle rules", () => {
  const text =
    "<LifecycleConfiguration>" +
    "<Rule><ID>a</ID><Status>Enabled</Status><Filter><And><Prefix>p/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter><Expiration><Days>3</Days></Expiration></Rule>" +
    "<Rule><Status>Disabled</Status><Prefix>old/</Prefix><Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>" +
    "<Rule><ID>c</ID><Status>Enabled</Status><Filter/><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>" +
    "</LifecycleConfiguration>";
  const rules = parseLifecycle(xml(text));
  assert.deepEqual(rules, [
    { id: "a", enabled: true, filter: { prefix: "p/", tags: { k: "v" }, sizeOver: 5 }, expirationDays: 3 },
    {
      id: "rule-2",
      enabled: false,
      filter: { prefix: "old/" },
      isOldForm: true,
      expirationDate: "2030-01-01T00:00:00.000Z",
    },
    { id: "c", enabled: true, filter: {}, noncurrentDays: 1, noncurrentKept: 2, abortUploadDays: 7 },
  ]);
  assert.deepEqual(parseLifecycle(xml(lifecycleDocument(rules))), rules);
  const one = (inner: string): string => `<LifecycleConfiguration><Rule>${inner}</Rule></LifecycleConfiguration>`;
  const wrong: [string, string][] = [
    ["<LifecycleConfiguration/>", "MalformedXML"],
    [one("<Status>On</Status>"), "MalformedXML"],
    [one("<Status>Enabled</Status><Filter/>"), "InvalidRequest"],
    [one("<Status>Enabled</Status><Expiration><Days>0</Days></Expiration>"), "InvalidArgument"],
    [one("<Status>Enabled</Status><Expiration><Days>1</Days><Date>x</Date></Expiration>"), "MalformedXML"],
    [one("<Status>Enabled</Status><Expiration><Date>2030-01-01T01:00:00Z</Date></Expiration>"), "InvalidArgument"],
    [one("<Status>Enabled</Status><Transition><Days>1</Days></Transition>"), "NotImplemented"],
    [
      one(
        "<Status>Enabled</Status><Filter><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></Filter><Expiration><Days>1</Days></Expiration>",
      ),
      "MalformedXML",
    ],
  ];
  for (const [document, type] of wrong) assert.throws(() => parseLifecycle(xml(document)), { type }, document);
});

test("CORS rules, and what they allow a browser", () => {
  const text =
    "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example.org</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>" +
    "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";
  const rules = parseCors(xml(text));
  assert.deepEqual(parseCors(xml(corsDocument(rules))), rules);
  const asked = { origin: "https://a.example.org", method: "PUT", headers: ["X-A"] };
  const rule = findRule(rules, asked);
  assert.ok(rule !== undefined);
  const headers = corsHeaders(rule, asked);
  assert.equal(headers["access-control-allow-origin"], "https://a.example.org");
  assert.equal(headers["access-control-max-age"], "60");
  assert.equal(findRule(rules, { ...asked, origin: "https://example.com" }), undefined);
  assert.equal(findRule(rules, { ...asked, headers: ["y"] }), undefined);
  const anybody = { origin: "https://x", method: "GET", headers: [] };
  const open = findRule(rules, anybody);
  assert.ok(open !== undefined);
  assert.equal(corsHeaders(open, anybody)["access-control-allow-origin"], "*");
  for (const inner of [
    "",
    "<AllowedOrigin>*</AllowedOrigin>",
    "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>",
    "<AllowedOrigin>a*b*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>",
  ])
    assert.throws(() => parseCors(xml(`<CORSConfiguration><CORSRule>${inner}</CORSRule></CORSConfiguration>`)));
});

test("websites", () => {
  const text =
    "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>e.html</Key></ErrorDocument><RoutingRules>" +
    "<RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>new é/</ReplaceKeyPrefixWith><HttpRedirectCode>302</HttpRedirectCode></Redirect></RoutingRule>" +
    "<RoutingRule><Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></Condition><Redirect><HostName>else.org</HostName><Protocol>https</Protocol></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>";
  const website = parseWebsite(xml(text));
  assert.deepEqual(parseWebsite(xml(websiteDocument(website))), website);
  const place = { protocol: "http", host: "here" } as const;
  assert.deepEqual(findRedirect(website, "old/x", null, place), { location: "http://here/new%20%C3%A9/x", code: 302 });
  assert.equal(findRedirect(website, "x", null, place), null);
  assert.deepEqual(findRedirect(website, "x", 404, place), { location: "https://else.org/x", code: 301 });
  assert.equal(indexKey(website, ""), "index.html");
  assert.equal(indexKey(website, "a/"), "a/index.html");
  assert.equal(indexKey(website, "a"), "a");
  const all = parseWebsite(
    xml(
      "<WebsiteConfiguration><RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo></WebsiteConfiguration>",
    ),
  );
  assert.equal(redirectAll(all, "a b", place), "http://h/a%20b");
  for (const inner of [
    "",
    "<IndexDocument><Suffix>a/b</Suffix></IndexDocument>",
    "<RedirectAllRequestsTo/>",
    "<IndexDocument><Suffix>i</Suffix></IndexDocument><ErrorDocument/>",
  ])
    assert.throws(
      () => parseWebsite(xml(`<WebsiteConfiguration>${inner}</WebsiteConfiguration>`)),
      { status: 400 },
      inner,
    );
});

test("object lock", () => {
  const now = Date.UTC(2026, 0, 1);
  const lock = parseObjectLock(
    xml(
      "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>3</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
    ),
  );
  assert.deepEqual(lock, { default: { mode: "COMPLIANCE", days: 3 } });
  assert.deepEqual(parseObjectLock(xml(objectLockDocument(lock))), lock);
  const header = (headers: { [name: string]: string }) => (name: string) => headers[name];
  const until = "2026-02-01T00:00:00.000Z";
  const both = { "x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": until };
  assert.deepEqual(readLock(header(both), {}, now), { retention: { mode: "GOVERNANCE", until } });
  assert.deepEqual(readLock(header({ "x-amz-object-lock-legal-hold": "ON" }), {}, now), { legalHold: true });
  assert.throws(() => readLock(header(both), undefined, now), { type: "InvalidRequest" });
  assert.throws(() => readLock(header(both), {}, Date.parse(until)), { type: "InvalidArgument" });
  assert.throws(() => readLock(header({ "x-amz-object-lock-mode": "GOVERNANCE" }), {}, now), {
    type: "InvalidArgument",
  });
  assert.equal(parseRetention(xml("<Retention/>"), now), null);
  assert.throws(() => parseRetention(xml("<Retention><Mode>GOVERNANCE</Mode></Retention>"), now), {
    type: "MalformedXML",
  });
});

test("keys of customers and of the project", () => {
  const key = Buffer.alloc(32, 7);
  const headers: { [name: string]: string } = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": key.toString("base64"),
    "x-amz-server-side-encryption-customer-key-md5": "vgDAZ21VmZy8QHXJRB+MmQ==",
  };
  const given = (more: { [name: string]: string | undefined }) => (name: string) => ({ ...headers, ...more })[name];
  const md5 = readCustomerKey.bind(null, given({ "x-amz-server-side-encryption-customer-key-md5": "AAAA" }));
  assert.throws(md5, { type: "InvalidArgument" });
  const short = given({ "x-amz-server-side-encryption-customer-key": "AAAA" });
  assert.throws(() => readCustomerKey(short), { type: "InvalidArgument" });
  assert.throws(() => keyFor({ kind: "customer", keyMd5: "", check: "x" }, null), { type: "InvalidRequest" });
  assert.throws(() => keyFor({ kind: "customer", keyMd5: "", check: "x" }, { key, keyMd5: "", check: "y" }), {
    type: "AccessDenied",
  });
  assert.throws(() => keyFor(undefined, { key, keyMd5: "", check: "y" }), { type: "InvalidRequest" });
  const kms = (id: string) => (name: string) =>
    ({ "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": id })[name];
  assert.deepEqual(readEncryption(kms("alias/pay"), undefined).encryption, { kind: "kms", keyId: "pay" });
  assert.deepEqual(readEncryption(() => undefined, { algorithm: "aws:kms", keyId: "k" }).encryption, {
    kind: "kms",
    keyId: "k",
  });
  assert.equal(readEncryption(() => undefined, undefined).encryption, undefined);
  assert.throws(() => readEncryption(kms("../x y"), undefined), { type: "InvalidArgument" });
  assert.equal(checkKeyId("arn:aws:kms:eu:1:key/abc"), "abc");
  const document = (inner: string) =>
    xml(`<X><Rule><ApplyServerSideEncryptionByDefault>${inner}</ApplyServerSideEncryptionByDefault></Rule></X>`);
  assert.deepEqual(parseBucketEncryption(document("<SSEAlgorithm>AES256</SSEAlgorithm>")), { algorithm: "AES256" });
  assert.throws(() => parseBucketEncryption(document("<SSEAlgorithm>DES</SSEAlgorithm>")), { type: "MalformedXML" });
});

test("tags, and the small documents", () => {
  assert.deepEqual(parseTagHeader("a=1&b=%20x"), { a: "1", b: " x" });
  assert.throws(() => parseTagHeader("a=1&a=2"), { type: "InvalidTag" });
  assert.throws(() => parseTagHeader("aws:a=1"), { type: "InvalidTag" });
  assert.throws(() => parseTagHeader(Array.from({ length: 11 }, (_, at) => `k${at}=v`).join("&")), {
    type: "InvalidTag",
  });
  assert.deepEqual(parseTagging(xml(taggingDocument({ "<a>": "&" }))), { "<a>": "&" });
  assert.equal(parseVersioning(xml("<V><Status>Suspended</Status></V>")), "suspended");
  assert.throws(() => parseVersioning(xml("<V><Status>x</Status></V>")), {
    type: "IllegalVersioningConfigurationException",
  });
  assert.equal(
    parseOwnership(xml("<O><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></O>")),
    "ObjectWriter",
  );
  assert.throws(() => parseOwnership(xml("<O/>")), { type: "MalformedXML" });
  assert.equal(parsePublicAccessBlock(xml("<P><BlockPublicAcls>TRUE</BlockPublicAcls></P>")).blockPublicAcls, true);
  assert.throws(() => parsePublicAccessBlock(xml("<P><BlockPublicAcls>1</BlockPublicAcls></P>")), {
    type: "MalformedXML",
  });
  assert.equal(parseLogging(xml("<B/>")), null);
});
