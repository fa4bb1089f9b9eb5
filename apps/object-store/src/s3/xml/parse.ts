/**
 * The XML that clients send: small documents of elements and text. Stricter than XML is: no document type, no entities but
 * the five that need no declaration, no processing instructions, and limits on depth and number of elements. Namespaces
 * are not looked at: clients send right ones, wrong ones and none.
 */
import { s3Error } from "../errors.ts";

export type XmlElement = {
  /** Without its prefix. */
  name: string;
  /** By name without prefix: `xsi:type` is `type`. */
  attributes: { [name: string]: string };
  children: XmlElement[];
  /** All character data directly in it. */
  text: string;
};

const MAX_DEPTH = 12;
/** 10,000 parts with a number, an ETag and a checksum each. */
const MAX_ELEMENTS = 60_000;
const NAME = /[A-Za-z_][\w.:-]*/y;
const SPACE = /[\t\n\r ]*/y;
const ENTITIES: { [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const malformed = (why: string): Error => s3Error("MalformedXML", undefined, { cause: why });

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The root element of a document. Throws MalformedXML. */
export function parseXml(body: Uint8Array): XmlElement {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    throw s3Error("MalformedXML", undefined, { cause });
  }
  const source: Source = { text, at: 0, elements: 0 };
  if (text.startsWith("<?xml")) {
    const end = text.indexOf("?>");
    if (end < 0) throw malformed("the declaration has no end");
    source.at = end + 2;
  }
  skipMisc(source);
  const root = readElement(source, 1);
  skipMisc(source);
  if (source.at !== text.length) throw malformed("something follows the root element");
  return root;
}

type Source = { text: string; at: number; elements: number };

function skipSpace(source: Source): void {
  SPACE.lastIndex = source.at;
  SPACE.exec(source.text);
  source.at = SPACE.lastIndex;
}

function skipComment(source: Source): void {
  const end = source.text.indexOf("-->", source.at + 4);
  if (end < 0) throw malformed("a comment has no end");
  source.at = end + 3;
}

/** White space and comments around the root. */
function skipMisc(source: Source): void {
  skipSpace(source);
  while (source.text.startsWith("<!--", source.at)) {
    skipComment(source);
    skipSpace(source);
  }
}

function readName(source: Source): string {
  NAME.lastIndex = source.at;
  const match = NAME.exec(source.text);
  if (match === null) throw malformed("a name was expected");
  source.at = NAME.lastIndex;
  return match[0];
}

const localName = (name: string): string => name.slice(name.indexOf(":") + 1);

function readAttributes(source: Source): { [name: string]: string } {
  const attributes: { [name: string]: string } = {};
  for (let count = 0; ; count += 1) {
    const before = source.at;
    skipSpace(source);
    const next = source.text[source.at];
    if (next === ">" || next === "/") return attributes;
    if (before === source.at || count > 20) throw malformed("attributes are wrong");
    const name = readName(source);
    skipSpace(source);
    if (source.text[source.at] !== "=") throw malformed("an attribute has no value");
    source.at += 1;
    skipSpace(source);
    const quote = source.text[source.at];
    if (quote !== '"' && quote !== "'") throw malformed("an attribute is not quoted");
    const end = source.text.indexOf(quote, source.at + 1);
    if (end < 0) throw malformed("an attribute has no end");
    const value = source.text.slice(source.at + 1, end);
    if (value.includes("<")) throw malformed("< in an attribute");
    if (!name.startsWith("xmlns")) attributes[localName(name)] = unescapeXml(value);
    source.at = end + 1;
  }
}

function readElement(source: Source, depth: number): XmlElement {
  const { text } = source;
  if (text[source.at] !== "<") throw malformed("an element was expected");
  if (depth > MAX_DEPTH || (source.elements += 1) > MAX_ELEMENTS)
    throw malformed("the document is too deep or too big");
  source.at += 1;
  const qualified = readName(source);
  const element: XmlElement = {
    name: localName(qualified),
    attributes: readAttributes(source),
    children: [],
    text: "",
  };
  if (text.startsWith("/>", source.at)) {
    source.at += 2;
    return element;
  }
  if (text[source.at] !== ">") throw malformed("a tag has no end");
  source.at += 1;
  readContent(source, element, depth);
  source.at += 2;
  if (readName(source) !== qualified) throw malformed("an element ends that did not begin");
  skipSpace(source);
  if (text[source.at] !== ">") throw malformed("a tag has no end");
  source.at += 1;
  return element;
}

/** Up to the `</` that ends the element. */
function readContent(source: Source, element: XmlElement, depth: number): void {
  const { text } = source;
  for (;;) {
    const open = text.indexOf("<", source.at);
    if (open < 0) throw malformed("an element has no end");
    if (open > source.at) element.text += unescapeXml(text.slice(source.at, open));
    source.at = open;
    if (text.startsWith("</", open)) return;
    if (text.startsWith("<!--", open)) skipComment(source);
    else if (text.startsWith("<![CDATA[", open)) {
      const end = text.indexOf("]]>", open);
      if (end < 0) throw malformed("a CDATA section has no end");
      element.text += text.slice(open + 9, end);
      source.at = end + 3;
    } else element.children.push(readElement(source, depth + 1));
  }
}

/** Keys may have any character: references to control characters are taken, though XML 1.0 forbids them. */
function unescapeXml(text: string): string {
  const plain = text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
  if (!plain.includes("&")) return plain;
  return plain.replaceAll(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|([a-z]{2,4}));|&/g, (match, hex, decimal, name) => {
    if (typeof name === "string") {
      const known = ENTITIES[name];
      if (known !== undefined) return known;
    } else if (match !== "&") {
      const code = typeof hex === "string" ? Number.parseInt(hex, 16) : Number(decimal);
      if (code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) return String.fromCodePoint(code);
    }
    throw malformed("an entity is not known");
  });
}

/** The first child of that name. */
export const child = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((each) => each.name === name);

/** All children of that name. */
export const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((each) => each.name === name);

/** The text of the first child of that name. */
export const childText = (element: XmlElement, name: string): string | undefined => child(element, name)?.text;

/** The same, for what must be there. */
export function requiredText(element: XmlElement, name: string): string {
  const found = childText(element, name);
  if (found === undefined) throw malformed(`${name} is missing`);
  return found;
}

/** Refuses a document whose root is another one. */
export function parseDocument(body: Uint8Array, root: string): XmlElement {
  const element = parseXml(body);
  if (element.name !== root) throw malformed(`${root} was expected`);
  return element;
}
