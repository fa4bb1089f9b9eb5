import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { type Signed, isRequestSignature, isS3Signature, isStale } from "./signature.ts";

test("S3's older form signs a string with SHA-1", () => {
  // the example of Amazon's "Signing and authenticating REST requests": GET of an object
  const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const text = "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg";
  const signed = { token: Buffer.from(text).toString("base64url"), signature: "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=" };
  assert.equal(isS3Signature(secret, signed), true);
  assert.equal(isS3Signature(`${secret}x`, signed), false);
  assert.equal(isS3Signature(secret, { ...signed, signature: "" }), false);
  assert.equal(isS3Signature(secret, { signature: signed.signature }), false);
});

test("S3's newer form signs with a key made for a day, a region and a service", () => {
  // the example of Amazon's "Authenticating requests (AWS Signature Version 4)": GET of an object
  const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const lines = [
    "AWS4-HMAC-SHA256",
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
  ];
  const sign = (parts: string[], signature: string): Signed => ({
    token: Buffer.from(parts.join("\n")).toString("base64url"),
    signature,
  });
  const right = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
  assert.equal(isS3Signature(secret, sign(lines, right)), true);
  assert.equal(isS3Signature(secret, sign(lines, right.replace("f", "e"))), false);
  assert.equal(isS3Signature(secret, sign([...lines, "more"], right)), false);
  assert.equal(isS3Signature(secret, sign(lines.with(2, "20130524/us-east-1/ec2/aws4_request"), right)), false);
});

test("a request signed by version 4, as Amazon's example of IAM has it", () => {
  const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const signed: Signed = {
    verb: "GET",
    host: "iam.amazonaws.com",
    path: "/",
    params: { Action: "ListUsers", Version: "2010-05-08" },
    headers: {
      "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
      Host: "iam.amazonaws.com",
      "X-Amz-Date": "20150830T123600Z",
      Authorization:
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=x",
    },
    body_hash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
  };
  assert.equal(isRequestSignature(secret, signed), true);
  assert.equal(isRequestSignature(secret, { ...signed, path: "/other" }), false);
  assert.equal(isRequestSignature("other", signed), false);
});

test("a request signed by version 2, with or without its port", () => {
  const secret = "secret";
  const params = { Action: "DescribeInstances", SignatureVersion: "2", Timestamp: "2030-01-01T00:00:00Z", z: "a b/*~" };
  const text =
    "GET\ncloud.test\n/\nAction=DescribeInstances&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2030-01-01T00%3A00%3A00Z&z=a%20b%2F%2A~";
  const signature = createHmac("sha256", secret).update(text).digest("base64");
  assert.equal(
    isRequestSignature(secret, { verb: "GET", host: "cloud.test:8773", path: "/", params, signature }),
    true,
  );
  assert.equal(isRequestSignature(secret, { verb: "POST", host: "cloud.test", path: "/", params, signature }), false);
  assert.equal(isRequestSignature(secret, { verb: "GET", host: "cloud.test", path: "/", params }), false);
});

test("versions that sign next to nothing are no signatures", () => {
  const signature = createHmac("sha1", "secret").update("ActTime").digest("base64");
  const params = { SignatureVersion: "0", Action: "Act", Timestamp: "Time" };
  assert.equal(isRequestSignature("secret", { verb: "GET", host: "h", path: "/", params, signature }), false);
});

test("what was signed a quarter of an hour ago is stale", () => {
  const now = Date.parse("2030-01-01T00:15:00Z");
  assert.equal(isStale({ headers: { "X-Amz-Date": "20300101T000000Z" } }, now), false);
  assert.equal(isStale({ headers: { "X-Amz-Date": "20300101T000000Z" } }, now + 1), true);
  assert.equal(isStale({ params: { Timestamp: "2030-01-01T00:00:00" } }, now + 1), true);
  assert.equal(isStale({ params: { Timestamp: "soon" } }, now), true);
  assert.equal(isStale({}, now), false);
});
