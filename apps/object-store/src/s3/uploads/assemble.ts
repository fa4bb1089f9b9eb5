/** From the parts that a client names and those that are there: what the object will be. Pure but for a hash. */
import { hash } from "node:crypto";

import type { Part } from "../../namespace/namespace.ts";
import { type Checksum, checksumElement, checksumOfParts } from "../body/checksums.ts";
import { s3Error } from "../errors.ts";
import { type XmlElement, childText, childrenOf, requiredText } from "../xml/parse.ts";

export type NamedPart = { number: number; etag: string; checksum: string | undefined };

/** All parts but the last must have as much. */
const MIN_PART_BYTES = 5 * 1024 * 1024;
export const MAX_PARTS = 10_000;

/** The `CompleteMultipartUpload` document. */
export function parseNamedParts(root: XmlElement, algorithm: Checksum["algorithm"] | undefined): NamedPart[] {
  const elements = childrenOf(root, "Part");
  if (root.name !== "CompleteMultipartUpload" || elements.length === 0 || elements.length > MAX_PARTS)
    throw s3Error("MalformedXML");
  let before = 0;
  return elements.map((element) => {
    const text = requiredText(element, "PartNumber").trim();
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (number < 1 || number > MAX_PARTS) throw s3Error("InvalidArgument", "PartNumber must be between 1 and 10000");
    if (number <= before) throw s3Error("InvalidPartOrder");
    before = number;
    return {
      number,
      etag: requiredText(element, "ETag").trim().replaceAll('"', "").toLowerCase(),
      checksum: algorithm === undefined ? undefined : childText(element, checksumElement(algorithm))?.trim(),
    };
  });
}

/** The parts that are named, in order. Throws InvalidPart or EntityTooSmall. */
export function chooseParts(
  named: readonly NamedPart[],
  there: ReadonlyMap<number, Part>,
  checksum: Checksum | undefined,
): Part[] {
  const chosen = named.map(({ number, etag, checksum: said }) => {
    const part = there.get(number);
    if (part === undefined || part.etag !== etag) throw s3Error("InvalidPart");
    if (said !== undefined && checksum !== undefined && part.checksums?.[checksum.algorithm] !== said)
      throw s3Error("InvalidPart");
    return part;
  });
  for (const part of chosen.slice(0, -1)) if (part.size < MIN_PART_BYTES) throw s3Error("EntityTooSmall");
  return chosen;
}

/** MD5 of the parts' MD5s, and how many there are. */
export const etagOfParts = (parts: readonly { etag: string }[]): string =>
  `${hash("md5", Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, "hex"))))}-${parts.length}`;

export function checksumOfObject(checksum: Checksum, parts: readonly Part[]): Checksum {
  const { algorithm, type } = checksum;
  const values = parts.map((part) => {
    const value = part.checksums?.[algorithm];
    if (value === undefined) throw s3Error("InvalidPart");
    return { value, size: part.size };
  });
  return { algorithm, type, value: checksumOfParts(algorithm, type, values) };
}
