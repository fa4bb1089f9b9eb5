/** S3's checksums: which are asked for, what they must be, and how those of parts make that of the whole. */
import type { DigestName, Digests } from "../../bytes/byte-store.ts";
import { digestsOf } from "../../bytes/digests.ts";
import type { ObjectDetails } from "../../namespace/object.model.ts";
import { s3Error } from "../errors.ts";
import { combineCrc } from "./combine-crc.ts";

export type Checksum = NonNullable<ObjectDetails["checksums"]>;
export type Algorithm = Checksum["algorithm"];
export type ChecksumType = Checksum["type"];

export const ALGORITHMS: readonly Algorithm[] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];

const DIGESTS: { [algorithm in Algorithm]: DigestName } = {
  CRC32: "crc32",
  CRC32C: "crc32c",
  CRC64NVME: "crc64nvme",
  SHA1: "sha1",
  SHA256: "sha256",
};
const BYTES: { [algorithm in Algorithm]: number } = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };

export const digestNameOf = (algorithm: Algorithm): DigestName => DIGESTS[algorithm];
export const checksumHeader = (algorithm: Algorithm): string => `x-amz-checksum-${DIGESTS[algorithm]}`;
/** `ChecksumCRC32`, as XML has it. */
export const checksumElement = (algorithm: Algorithm): string => `Checksum${algorithm}`;

/** `crc32` or `CRC32`, as headers name algorithms. Throws InvalidRequest. */
export function parseAlgorithm(text: string): Algorithm {
  const upper = text.toUpperCase();
  const found = ALGORITHMS.find((algorithm) => algorithm === upper);
  if (found === undefined)
    throw s3Error(
      "InvalidRequest",
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    );
  return found;
}

/** The algorithm of a header or trailer name; null: not one of these. */
export function algorithmOfHeader(name: string): Algorithm | null {
  return ALGORITHMS.find((algorithm) => checksumHeader(algorithm) === name) ?? null;
}

/** Base64 of the right length. Throws InvalidRequest. */
export function checkValue(algorithm: Algorithm, value: string): string {
  const bytes = Buffer.from(value, "base64");
  if (bytes.length !== BYTES[algorithm] || bytes.toString("base64") !== value)
    throw s3Error("InvalidRequest", `Value for ${checksumHeader(algorithm)} header is invalid.`);
  return value;
}

/** A digest as S3 writes it. */
export function checksumValue(algorithm: Algorithm, digests: Digests): string {
  const hex = digests[DIGESTS[algorithm]];
  if (hex === undefined) throw new Error(`${algorithm} was not computed`);
  return Buffer.from(hex, "hex").toString("base64");
}

export const badDigest = (algorithm: Algorithm): Error =>
  s3Error("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);

/** What a multipart upload does unless it is told: Amazon's table in "Checking object integrity". */
export const defaultType = (algorithm: Algorithm): ChecksumType =>
  algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";

/** Throws InvalidRequest on what cannot be had of an algorithm. */
export function checkType(algorithm: Algorithm, type: string): ChecksumType {
  const isPossible =
    (type === "FULL_OBJECT" && algorithm.startsWith("CRC")) || (type === "COMPOSITE" && algorithm !== "CRC64NVME");
  if (!isPossible)
    throw s3Error(
      "InvalidRequest",
      `The ${type.slice(0, 32)} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return type as ChecksumType;
}

export type PartChecksum = { value: string; size: number };

/** The checksum of an object from those of its parts, in order. */
export function checksumOfParts(algorithm: Algorithm, type: ChecksumType, parts: readonly PartChecksum[]): string {
  if (type === "FULL_OBJECT") return combineCrc(algorithm, parts);
  const all = Buffer.concat(parts.map((part) => Buffer.from(part.value, "base64")));
  return `${checksumValue(algorithm, digestsOf([DIGESTS[algorithm]], all))}-${parts.length}`;
}
