/** Digests of a body as it comes. CRC-32C and CRC-64/NVME are not in Node: they are our own (`crc.ts`). */
import { createHash, hash } from "node:crypto";
import { crc32 } from "node:zlib";

import type { DigestName, Digests } from "./byte-store.ts";
import { crc32c, crc64nvme } from "./crc.ts";

export type DigestStream = {
  /** Where a promise is given, the bytes are read until it resolves, and the next MUST wait for it. */
  update(bytes: Uint8Array): Promise<void> | undefined;
  digests(): Digests;
};

/** Of a body as it comes; see `md5-lanes.ts`. */
export type Md5 = { update(bytes: Uint8Array): Promise<void> | undefined; digest(): string };

/** MD5, which is everybody's ETag, is always among them. */
export function createDigests(names: readonly DigestName[], md5: Md5 = beginMd5()): DigestStream {
  const others = [...new Set(names)].filter((name) => name !== "md5");
  const streams = others.map((name) => ({ name, ...createDigest(name) }));
  return {
    update(bytes) {
      const wait = md5.update(bytes);
      for (const stream of streams) stream.update(bytes);
      return wait;
    },
    digests: () => ({
      md5: md5.digest(),
      ...Object.fromEntries(streams.map((stream) => [stream.name, stream.digest()])),
    }),
  };
}

/** Of one body, at once. */
export function beginMd5(): Md5 {
  const sum = createHash("md5");
  return {
    update(bytes) {
      sum.update(bytes);
      return undefined;
    },
    digest: () => sum.digest("hex"),
  };
}

/** Of a body that is all there. */
export function digestsOf(names: readonly DigestName[], body: Uint8Array): Digests {
  const digests: Digests = { md5: hash("md5", body) };
  for (const name of names) digests[name] ??= digestOf(name, body);
  return digests;
}

function digestOf(name: DigestName, body: Uint8Array): string {
  if (name === "md5" || name === "sha1" || name === "sha256") return hash(name, body);
  const sum = createDigest(name);
  sum.update(body);
  return sum.digest();
}

function createDigest(name: DigestName): { update(bytes: Uint8Array): void; digest(): string } {
  switch (name) {
    case "md5":
    case "sha1":
    case "sha256": {
      const sum = createHash(name);
      return { update: (bytes) => void sum.update(bytes), digest: () => sum.digest("hex") };
    }
    case "crc32":
    case "crc32c": {
      const next = name === "crc32" ? crc32 : crc32c;
      let value = 0;
      return {
        update: (bytes) => void (value = next(bytes, value)),
        digest: () => value.toString(16).padStart(8, "0"),
      };
    }
    case "crc64nvme": {
      let value = 0n;
      return {
        update: (bytes) => void (value = crc64nvme(bytes, value)),
        digest: () => value.toString(16).padStart(16, "0"),
      };
    }
    default:
      throw new TypeError(`no digest is called ${String(name satisfies never)}`);
  }
}
