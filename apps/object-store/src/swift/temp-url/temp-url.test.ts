import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isInRange } from "./address-range.ts";
import { readSignature, readTempUrl, signedText } from "./temp-url.model.ts";

const query = (text: string): { [name: string]: string } => Object.fromEntries(new URLSearchParams(text));

describe("signed URLs", () => {
  it("are read, with times in both forms", () => {
    assert.equal(readTempUrl({}, 0), null);
    assert.equal(readTempUrl(query("temp_url_sig=x&temp_url_expires=100"), 99_000)?.expires, 100);
    assert.equal(readTempUrl(query("temp_url_sig=x&temp_url_expires=100"), 101_000)?.expires, 0);
    assert.equal(readTempUrl(query("temp_url_sig=x&temp_url_expires=2030-01-01T00:00:00Z"), 0)?.expires, 1_893_456_000);
    for (const wrong of ["", "soon", "-1", "1e9", "99999999999999999999"])
      assert.equal(readTempUrl(query(`temp_url_sig=x&temp_url_expires=${wrong}`), 0)?.expires, 0, wrong);
  });

  it("signatures are hex, or named and base64", () => {
    assert.equal(readSignature("a".repeat(64))?.digest, "sha256");
    assert.equal(readSignature("A".repeat(128))?.hex, "a".repeat(128));
    assert.equal(readSignature("a".repeat(40))?.digest, "sha1");
    const raw = Buffer.alloc(32, 0xfb);
    for (const form of ["base64", "base64url"] as const)
      assert.deepEqual(readSignature(`sha256:${raw.toString(form)}`), { digest: "sha256", hex: raw.toString("hex") });
    for (const wrong of ["", "xyz", "a".repeat(63), `md5:${raw.toString("base64")}`, "sha512:AAAA", "sha256:***"])
      assert.equal(readSignature(wrong), null, wrong);
  });

  it("what is signed", () => {
    const url = { signature: "", expires: 7, prefix: null, ipRange: null, filename: null, isInline: false };
    assert.equal(signedText("GET", url, "/v1/a/c/o"), "GET\n7\n/v1/a/c/o");
    assert.equal(signedText("PUT", { ...url, prefix: "o" }, "/v1/a/c/o"), "PUT\n7\nprefix:/v1/a/c/o");
    assert.equal(signedText("GET", { ...url, ipRange: "10.0.0.0/8" }, "/v1/a/c/o"), "ip=10.0.0.0/8\nGET\n7\n/v1/a/c/o");
  });

  it("addresses in ranges", () => {
    assert.ok(isInRange("10.1.2.3", "10.0.0.0/8"));
    assert.ok(isInRange("::ffff:10.1.2.3", "10.0.0.0/8"));
    assert.ok(isInRange("2001:db8::1", "2001:db8::/32"));
    assert.ok(isInRange("10.1.2.3", "10.1.2.3"));
    for (const [address, range] of [
      ["11.0.0.1", "10.0.0.0/8"],
      ["10.0.0.1", "2001:db8::/32"],
      ["10.0.0.1", "10.0.0.0/33"],
      ["10.0.0.1", "ten"],
      ["10.0.0.1", "10.0.0.0/8/8"],
      ["10.0.0.1", ""],
    ] as const)
      assert.ok(!isInRange(address, range), range);
  });
});
