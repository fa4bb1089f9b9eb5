import assert from "node:assert/strict";
import { test } from "node:test";

import { childText, childrenOf, parseDocument, parseXml } from "./parse.ts";
import { escapeXml, isoTime, tag, xmlDocument } from "./write.ts";

const parse = (text: string) => parseXml(Buffer.from(text));

test("elements, text, attributes and namespaces as clients send them", () => {
  const root = parse(
    `<?xml version="1.0" encoding="UTF-8"?>\n<!-- hi --><s3:Delete xmlns:s3="x" a = 'b"c'><Object><Key>a &amp; b&#x1F600;&#10;</Key></Object><Object><Key><![CDATA[<x>]]></Key></Object><Empty/></s3:Delete>\n`,
  );
  assert.equal(root.name, "Delete");
  assert.deepEqual(root.attributes, { a: 'b"c' });
  assert.deepEqual(
    childrenOf(root, "Object").map((each) => childText(each, "Key")),
    ["a & b😀\n", "<x>"],
  );
  assert.equal(childText(root, "Empty"), "");
  assert.equal(childText(root, "None"), undefined);
  assert.equal(parse("<a>x\r\ny\rz</a>").text, "x\ny\nz");
});

test("whatever is more than a document needs is refused", () => {
  const wrong = [
    "",
    "text",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a/>x",
    "<a b></a>",
    "<a b=c></a>",
    `<a b="<"></a>`,
    "<a>&lol;</a>",
    "<a>&</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>&#x110000;</a>",
    `<!DOCTYPE a [<!ENTITY lol "lol">]><a>&lol;</a>`,
    "<?php x?><a/>",
    "<a><!-- </a>",
    "<a><![CDATA[ </a>",
    "<".repeat(10),
    `${"<a>".repeat(20)}${"</a>".repeat(20)}`,
    `<a>${"<b/>".repeat(70_000)}</a>`,
  ];
  for (const text of wrong) assert.throws(() => parse(text), { type: "MalformedXML" }, text.slice(0, 40));
  assert.throws(() => parseXml(Buffer.from([0x3c, 0x61, 0xff, 0x2f, 0x3e])), { type: "MalformedXML" });
  assert.throws(() => parseDocument(Buffer.from("<b/>"), "a"), { type: "MalformedXML" });
});

test("what is written can be read again", () => {
  const text = `<&>"' \u0001\u001f\r\n\t😀`;
  assert.equal(parse(xmlDocument("a", tag("b", text))).children[0]?.text, text);
  assert.equal(escapeXml("plain"), "plain");
  assert.equal(escapeXml("\u0001"), "&#x1;");
  assert.equal(tag("a", undefined), "");
  assert.equal(isoTime(new Date(1_700_000_000_999)), "2023-11-14T22:13:20.000Z");
});
