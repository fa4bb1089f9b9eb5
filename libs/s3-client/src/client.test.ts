import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { sign } from "./client.ts";

describe("a request to an S3 server", () => {
  // "Signature Calculations for the Authorization Header", Amazon S3 API reference: the example of a GET with a range
  it("is signed as the reference's example", () => {
    const headers = sign(
      { region: "us-east-1", accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
      {
        asked: { method: "GET", key: "test.txt", range: { first: 0, last: 9 } },
        host: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        query: "",
        at: new Date("2013-05-24T00:00:00Z"),
      },
    );
    assert.equal(
      headers["authorization"],
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
  });
});
