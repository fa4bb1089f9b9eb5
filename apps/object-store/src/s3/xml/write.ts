/** XML that we send: by concatenation, which is what V8 does best. */

// built from text: that control characters are meant is what it is about
const CONTROLS = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\ufffe\\uffff";
const SPECIAL = new RegExp(`[&<>"'\\r${CONTROLS}]`);
const SPECIALS = new RegExp(SPECIAL, "g");

/** XML 1.0 has no way to say most control characters; Amazon sends references to them all the same, and so do we. */
const escapeOne = (character: string): string => {
  if (character === "&") return "&amp;";
  if (character === "<") return "&lt;";
  if (character === ">") return "&gt;";
  if (character === '"') return "&quot;";
  if (character === "'") return "&apos;";
  return `&#x${character.charCodeAt(0).toString(16)};`;
};

/** Text as it may stand in an element or an attribute. */
export const escapeXml = (text: string): string => (SPECIAL.test(text) ? text.replaceAll(SPECIALS, escapeOne) : text);

/** `<name>text</name>`; nothing when there is no text to say. */
export const tag = (name: string, text: string | number | boolean | undefined | null): string =>
  text === undefined || text === null ? "" : `<${name}>${escapeXml(String(text))}</${name}>`;

/** An element around XML. */
export const wrap = (name: string, inner: string): string => `<${name}>${inner}</${name}>`;

/** A whole document, in S3's namespace. */
export const xmlDocument = (root: string, inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`;

let shownSecond = Number.NaN;
let shown = "";

/** As S3 writes times: to the second, like HTTP's, so that a list and a HEAD agree. What is listed was often written at once. */
export function isoTime(date: Date): string {
  const second = Math.floor(date.getTime() / 1000);
  if (second !== shownSecond) {
    shown = `${new Date(second * 1000).toISOString().slice(0, 19)}.000Z`;
    shownSecond = second;
  }
  return shown;
}
