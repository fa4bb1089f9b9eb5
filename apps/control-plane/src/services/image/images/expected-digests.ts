/** What a client says its bytes hash to, so that a damaged upload is refused. Pure. */
import { invalid } from "@andromede/base/errors";

export type ExpectedDigests = { md5?: string; sha256?: string; sha512?: string };
type Headers = { readonly [name: string]: string | string[] | undefined };

const LENGTHS = { md5: 16, sha256: 32, sha512: 64 } as const;
const NAMES: { readonly [name: string]: keyof typeof LENGTHS } = {
  md5: "md5",
  "sha-256": "sha256",
  "sha-512": "sha512",
};

/**
 * `Content-MD5` (RFC 1864, and the hex that Glance itself sends), `Content-Digest` and `Repr-Digest` (RFC 9530),
 * `Digest` (RFC 3230). Algorithms that we do not know are passed over, as those documents want; one that we know and
 * cannot read is the client's mistake.
 */
export function readExpectedDigests(headers: Headers): ExpectedDigests {
  const expected: ExpectedDigests = {};
  const md5 = headers["content-md5"];
  if (typeof md5 === "string") expected.md5 = toHex("md5", md5.trim(), "Content-MD5");
  for (const name of ["content-digest", "repr-digest"]) {
    for (const [algorithm, value] of members(headers[name])) {
      const known = nameOf(algorithm);
      if (known === undefined) continue;
      const bytes = /^:(.*):$/.exec(value)?.[1];
      if (bytes === undefined) throw malformed(name);
      expected[known] = toHex(known, bytes, name);
    }
  }
  for (const [algorithm, value] of members(headers["digest"])) {
    const known = nameOf(algorithm);
    if (known !== undefined) expected[known] = toHex(known, value, "Digest");
  }
  return expected;
}

const nameOf = (algorithm: string) => (Object.hasOwn(NAMES, algorithm) ? NAMES[algorithm] : undefined);

const malformed = (header: string) => invalid(`The header ${header} is malformed`, { field: header });

function members(header: string | string[] | undefined): [string, string][] {
  if (header === undefined) return [];
  return (Array.isArray(header) ? header.join(",") : header).split(",").map((part) => {
    const at = part.indexOf("=");
    return [part.slice(0, Math.max(at, 0)).trim().toLowerCase(), part.slice(at + 1).trim()];
  });
}

function toHex(algorithm: keyof typeof LENGTHS, text: string, header: string): string {
  const length = LENGTHS[algorithm];
  if (new RegExp(`^[0-9a-fA-F]{${length * 2}}$`).test(text)) return text.toLowerCase();
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== length || !/^[A-Za-z0-9+/]+=*$/.test(text)) throw malformed(header);
  return bytes.toString("hex");
}
